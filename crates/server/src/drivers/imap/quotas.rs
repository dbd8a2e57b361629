//! What is asked of quotas. A quota root is called by the address of its account.

use posthouse_imap::{Answer, Question, QuotaFigure, QuotaResource, QuotaRow, Refusal};
use posthouse_mailbox as mailbox;
use posthouse_model::Address;
use posthouse_storage::{AccountQuotaSettings, QuotaSetting};

use super::{Answered, ImapDesk};

/// Octets in a unit of STORAGE (RFC 9208 §5.1).
const STORAGE_UNIT_BYTES: u64 = 1024;

impl ImapDesk {
    pub(super) async fn answer_about_quotas(&self, question: Question) -> Answered {
        let permit = self.permit()?;
        let row = match question {
            Question::QuotaRoots { mailbox } => self.mailboxes().quota_of_mailbox(permit, &mailbox).await,
            Question::Quota { root } => self.mailboxes().quota(permit, &account(&root)?).await,
            Question::SetQuota { root, limits } => {
                let settings = settings(&limits)?;
                self.mailboxes().set_quota(permit, &account(&root)?, settings).await
            }
            _ => return Err(Refusal::ServerBug),
        };
        row.map(|row| Answer::Quotas(vec![quota_row(&row)])).map_err(|error| self.refuse(&error))
    }
}

fn account(root: &str) -> Result<Address, Refusal> {
    Address::parse(root).map_err(|_| Refusal::NonExistent)
}

/// RFC 9208 §4.1.3: what is not named is limited no more. How many mailboxes there may be is the store's to say.
fn settings(limits: &[(QuotaResource, u64)]) -> Result<AccountQuotaSettings, Refusal> {
    let mut settings = AccountQuotaSettings { size_bytes: QuotaSetting::Unlimited, messages: QuotaSetting::Unlimited };
    for (resource, limit) in limits {
        match resource {
            QuotaResource::Storage => {
                settings.size_bytes = QuotaSetting::AtMost(limit.saturating_mul(STORAGE_UNIT_BYTES));
            }
            QuotaResource::Message => settings.messages = QuotaSetting::AtMost(*limit),
            QuotaResource::Mailbox => return Err(Refusal::UnknownResource),
        }
    }
    Ok(settings)
}

fn quota_row(row: &mailbox::QuotaRow) -> QuotaRow {
    let (used, allowed) = (row.quota.used, row.quota.allowed);
    let figure = |resource, used, limit: Option<u64>| limit.map(|limit| QuotaFigure { resource, used, limit });
    let storage = figure(
        QuotaResource::Storage,
        used.size_bytes.div_ceil(STORAGE_UNIT_BYTES),
        allowed.size_bytes.map(|octets| octets / STORAGE_UNIT_BYTES),
    );
    let messages = figure(QuotaResource::Message, used.messages, allowed.messages);
    let mailboxes = figure(QuotaResource::Mailbox, row.mailboxes, Some(row.max_mailboxes));
    QuotaRow { root: row.address.to_string(), figures: [storage, messages, mailboxes].into_iter().flatten().collect() }
}
