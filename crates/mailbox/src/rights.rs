//! Who may do what: asking and changing (RFC 4314).

use posthouse_identity::{GrantableRights, Permit};
use posthouse_model::{MailboxName, Right, Rights, RightsChange};

use crate::{MailboxError, Mailboxes};

/// Whoever has one of these may know what rights there are (RFC 4314 §4, MYRIGHTS).
const RIGHTS_THAT_TELL: [Right; 6] =
    [Right::Lookup, Right::Read, Right::Insert, Right::Create, Right::DeleteMailbox, Right::Administer];

impl Mailboxes {
    /// What the holder of `permit` may do with a mailbox (MYRIGHTS).
    ///
    /// # Errors
    /// When there is no such mailbox, or nothing that the holder may do there shows it.
    pub async fn rights(&self, permit: &Permit, name: &MailboxName) -> Result<Rights, MailboxError> {
        let rights = self.found(permit, name).await?.1.rights();
        if rights.meets(RIGHTS_THAT_TELL.into_iter().collect()) { Ok(rights) } else { Err(MailboxError::NoSuchMailbox) }
    }

    /// The access list of a mailbox, the owner first (GETACL).
    ///
    /// # Errors
    /// When there is no such mailbox, or the holder of `permit` does not administer it.
    pub async fn access_list(
        &self,
        permit: &Permit,
        name: &MailboxName,
    ) -> Result<Vec<(String, Rights)>, MailboxError> {
        let (_, mailbox) = self.admitted(permit, name, Right::Administer).await?;
        Ok(self.access.access_list(&mailbox).await?)
    }

    /// Changes what an identifier has in the access list of a mailbox (SETACL, DELETEACL).
    ///
    /// # Errors
    /// When there is no such mailbox, the holder of `permit` does not administer it, or the list cannot be so.
    pub async fn change_access_list(
        &self,
        permit: &Permit,
        name: &MailboxName,
        identifier: &str,
        change: RightsChange,
        rights: Rights,
    ) -> Result<(), MailboxError> {
        let (_, mailbox) = self.admitted(permit, name, Right::Administer).await?;
        let writer = permit.address();
        Ok(self.access.change_access_list(writer, &mailbox, identifier, change, rights).await?)
    }

    /// What can be given to an identifier in the access list of a mailbox (LISTRIGHTS).
    ///
    /// # Errors
    /// As [`Self::change_access_list`].
    pub async fn grantable(
        &self,
        permit: &Permit,
        name: &MailboxName,
        identifier: &str,
    ) -> Result<GrantableRights, MailboxError> {
        let (_, mailbox) = self.admitted(permit, name, Right::Administer).await?;
        Ok(self.access.grantable(permit, &mailbox, identifier).await?)
    }
}
