//! Annotations on mailboxes and on the server: which there may be, who may set them, what clients are shown.

use bytes::Bytes;
use posthouse_identity::Permit;
use posthouse_model::{EntryName, EntryScope, MailboxName, Right};
use posthouse_storage::{AnnotationPlace, StorageError, annotations};

use crate::account_watch::AccountWatch;
use crate::{MailboxError, Mailboxes};

/// How to reach who runs the server (RFC 5464 §6.2.2); set by configuration, and by nobody else.
const ADMINISTRATOR_ENTRY: &str = "/shared/admin";

/// Paths of entries of either scope that clients may set, besides those of vendors.
const KNOWN_PATHS: &[&str] = &["/comment"];
/// Beginnings of such paths: RFC 5464 §6 for vendors, RFC 5466 §3.3 for filters.
const KNOWN_ROOTS: &[&str] = &["/vendor/", "/filters/values/", "/filters/descriptions/"];
/// Besides `l`, any of these lets one read and set annotations of a mailbox (RFC 5464 §3.3).
const ANNOTATING_RIGHTS: [Right; 5] = [Right::Read, Right::Seen, Right::Write, Right::Insert, Right::Post];

/// An annotation as asked for: its name, and its value if there is one.
pub type AnnotationRow = (EntryName, Option<Bytes>);

/// How far below an entry others are wanted too (RFC 5464 §4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnnotationDepth {
    /// Only the entry itself.
    #[default]
    Entry,
    /// What lies immediately below it, too.
    Children,
    /// All that lies below it.
    Everything,
}

impl AnnotationDepth {
    fn reaches(self, levels: usize) -> bool {
        match self {
            Self::Entry => levels == 0,
            Self::Children => levels <= 1,
            Self::Everything => true,
        }
    }
}

impl Mailboxes {
    /// Says how to reach who runs the server, as a URL; clients see it as `/shared/admin`.
    #[must_use]
    pub fn with_administrator(mut self, url: Option<String>) -> Self {
        self.administrator_url = url;
        self
    }

    /// Annotations on a mailbox, or with `None` on the server. Without a depth there is a row for each name asked for;
    /// with one, for each entry that there is.
    ///
    /// # Errors
    /// When there is no such mailbox, or the store cannot be read.
    pub async fn annotations(
        &self,
        permit: &Permit,
        mailbox: Option<&MailboxName>,
        names: &[EntryName],
        depth: AnnotationDepth,
    ) -> Result<Vec<AnnotationRow>, MailboxError> {
        let place = self.annotation_place(permit, mailbox).await?;
        let mut there: Vec<_> = self.store.annotations(permit.account(), place).await?;
        if mailbox.is_none() {
            there.extend(self.administrator_entry());
        }
        if depth == AnnotationDepth::Entry {
            let value = |name: &EntryName| there.iter().find(|one| one.name == *name).map(|one| one.value.clone());
            return Ok(names.iter().map(|name| (name.clone(), value(name))).collect());
        }
        let wanted = |name: &EntryName| {
            names.iter().filter_map(|above| name.levels_below(above)).any(|levels| depth.reaches(levels))
        };
        Ok(there.into_iter().filter(|one| wanted(&one.name)).map(|one| (one.name, Some(one.value))).collect())
    }

    /// Sets annotations, or with `None` takes them away; all or none. `watch`, which is that of whoever does this, is not
    /// told.
    ///
    /// # Errors
    /// When there is no such mailbox, an entry is not one that the account may set, or there would be too many.
    pub async fn annotate(
        &self,
        permit: &Permit,
        mailbox: Option<&MailboxName>,
        changes: Vec<AnnotationRow>,
        watch: Option<&AccountWatch>,
    ) -> Result<(), MailboxError> {
        for (name, _) in &changes {
            if !is_known(name) {
                return Err(MailboxError::UnknownEntry);
            }
            // What is shared on the server is seen by everybody.
            if mailbox.is_none() && name.scope() == EntryScope::Shared && !permit.is_administrator() {
                return Err(MailboxError::NotPermitted);
            }
        }
        let place = self.annotation_place(permit, mailbox).await?;
        let origin = watch.map(AccountWatch::origin);
        self.store.annotate(permit.account(), place, changes, origin).await.map_err(|error| match error {
            StorageError::Limit { what: annotations::COUNT_LIMIT | annotations::ACCOUNT_LIMIT, .. } => {
                MailboxError::TooManyAnnotations
            }
            error => error.into(),
        })
    }

    async fn annotation_place(
        &self,
        permit: &Permit,
        mailbox: Option<&MailboxName>,
    ) -> Result<AnnotationPlace, MailboxError> {
        let Some(name) = mailbox else { return Ok(AnnotationPlace::Server) };
        let (record, admitted) = self.admitted(permit, name, Right::Lookup).await?;
        if !admitted.rights().meets(ANNOTATING_RIGHTS.into_iter().collect()) {
            return Err(MailboxError::NotPermitted);
        }
        Ok(AnnotationPlace::Mailbox { owner: record.account, id: record.id })
    }

    fn administrator_entry(&self) -> Option<posthouse_storage::Annotation> {
        let name = EntryName::parse(ADMINISTRATOR_ENTRY).ok()?;
        Some(posthouse_storage::Annotation { name, value: Bytes::from(self.administrator_url.clone()?) })
    }
}

/// RFC 5464 §6: entries are those of standards, and those of vendors.
fn is_known(name: &EntryName) -> bool {
    KNOWN_PATHS.contains(&name.path()) || KNOWN_ROOTS.iter().any(|root| name.path().starts_with(root))
}
