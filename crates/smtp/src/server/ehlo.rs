//! HELO, EHLO, LHLO: the client introduces itself, we say what we can.

use posthouse_model::session::TlsMode;
use posthouse_sasl::{ChannelBindings, Mechanism, TlsChannel, offer};

use super::config::AuthenticationPolicy;
use super::session::{Helo, ServerSession};
use crate::extension::Extension;
use crate::reply;

impl ServerSession {
    pub(super) fn helo_command(&mut self, name: String) {
        if self.config.is_lmtp() {
            return self.finish_command(&reply::wrong_greeting_command(true));
        }
        self.introduce(name, false);
        let answer = reply::helo(self.config.host_name.as_str());
        self.finish_idle_command(&answer);
    }

    pub(super) fn ehlo_command(&mut self, name: String) {
        if self.config.is_lmtp() {
            return self.finish_command(&reply::wrong_greeting_command(true));
        }
        self.introduce_extended(name);
    }

    pub(super) fn lhlo_command(&mut self, name: String) {
        if !self.config.is_lmtp() {
            return self.finish_command(&reply::wrong_greeting_command(false));
        }
        self.introduce_extended(name);
    }

    fn introduce_extended(&mut self, name: String) {
        self.introduce(name, true);
        let answer = reply::ehlo(self.config.host_name.as_str(), self.offered());
        self.finish_idle_command(&answer);
    }

    /// RFC 5321 §4.1.4: EHLO in the middle of things does what RSET does.
    fn introduce(&mut self, name: String, extended: bool) {
        self.abort_transaction();
        self.helo = Some(Helo { name, extended });
    }

    /// The mechanisms that this channel permits, now.
    pub(super) fn offered_mechanisms(&self) -> Vec<Mechanism> {
        if self.config.authentication == AuthenticationPolicy::Off {
            return Vec::new();
        }
        let bindings = self.channel_bindings();
        let channel = self
            .tls
            .as_ref()
            .map(|tls| TlsChannel { bindings: &bindings, client_certificate: tls.client_certificate.is_some() });
        offer(&self.config.mechanisms, channel)
    }

    pub(super) fn channel_bindings(&self) -> ChannelBindings {
        self.tls.as_ref().map_or_else(ChannelBindings::default, |tls| ChannelBindings {
            tls_exporter: tls.tls_exporter.clone(),
            tls_server_end_point: tls.tls_server_end_point.clone(),
        })
    }

    /// Whether STARTTLS can be used now (RFC 3207 §4.2: not inside TLS).
    pub(super) fn offers_starttls(&self) -> bool {
        let by_starttls = matches!(self.config.tls_mode, TlsMode::StartTlsRequired | TlsMode::StartTlsOptional);
        by_starttls && self.tls.is_none()
    }

    /// The lines of the EHLO reply behind the first.
    fn offered(&self) -> Vec<String> {
        let limits = &self.config.limits;
        let mut lines = vec![
            format!("{} {}", Extension::Size.keyword(), limits.message_size_bytes),
            Extension::Pipelining.keyword().to_owned(),
            Extension::EightBitMime.keyword().to_owned(),
            Extension::SmtpUtf8.keyword().to_owned(),
            Extension::EnhancedStatusCodes.keyword().to_owned(),
            Extension::Chunking.keyword().to_owned(),
            Extension::BinaryMime.keyword().to_owned(),
            Extension::Dsn.keyword().to_owned(),
        ];
        if self.offers_starttls() {
            lines.push(Extension::StartTls.keyword().to_owned());
        }
        if self.tls.is_some() {
            // RFC 8689 §2: only inside TLS.
            lines.push(Extension::RequireTls.keyword().to_owned());
        }
        lines.extend(self.future_release_line());
        lines.extend(self.deliver_by_line());
        lines.extend(self.xclient_line());
        let mechanisms = self.offered_mechanisms();
        if !mechanisms.is_empty() && self.identity.is_none() {
            let names: Vec<_> = mechanisms.iter().map(|mechanism| mechanism.name()).collect();
            lines.push(format!("{} {}", Extension::Auth.keyword(), names.join(" ")));
        }
        lines.push(format!(
            "{} MAILMAX={} RCPTMAX={}",
            Extension::Limits.keyword(),
            limits.messages_per_session,
            limits.recipients_per_message
        ));
        lines
    }
}
