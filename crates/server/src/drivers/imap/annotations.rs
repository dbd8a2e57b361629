//! What is asked of annotations.

use posthouse_imap::{AnnotationDepth, AnnotationRow, Refusal};
use posthouse_mailbox as mailbox;
use posthouse_model::{EntryName, MailboxName};

use super::ImapDesk;

impl ImapDesk {
    pub(super) async fn annotations(
        &self,
        places: &[Option<MailboxName>],
        entries: &[EntryName],
        depth: AnnotationDepth,
    ) -> Result<Vec<Result<Vec<AnnotationRow>, Refusal>>, Refusal> {
        let permit = self.permit()?;
        let depth = match depth {
            AnnotationDepth::Entry => mailbox::AnnotationDepth::Entry,
            AnnotationDepth::Children => mailbox::AnnotationDepth::Children,
            AnnotationDepth::Everything => mailbox::AnnotationDepth::Everything,
        };
        let mut of_places = Vec::with_capacity(places.len());
        for place in places {
            let rows = self.mailboxes().annotations(permit, place.as_ref(), entries, depth).await;
            of_places.push(rows.map_err(|error| self.refuse(&error)));
        }
        Ok(of_places)
    }
}
