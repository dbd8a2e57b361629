//! STARTTLS (RFC 3207).

use posthouse_model::session::{CloseReason, Step};

use super::session::ServerSession;
use crate::reply;

impl ServerSession {
    pub(super) fn starttls_command(&mut self) {
        if !self.offers_starttls() {
            let answer = if self.tls.is_some() { reply::tls_already() } else { reply::starttls_not_offered() };
            return self.finish_command(&answer);
        }
        if !self.input.is_empty() {
            // RFC 3207 §4.2 wants knowledge from before TLS discarded. Whoever put commands here in clear wanted them
            // to be obeyed inside TLS (CVE-2011-0411), so the connection goes with them.
            return self.close(CloseReason::PipelinedStartTls);
        }
        self.abort_transaction();
        self.send(&reply::ready_for_tls());
        self.push(Step::StartTls);
        self.expect_tls();
    }
}
