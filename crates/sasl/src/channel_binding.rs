//! What ties an exchange to the TLS channel around it.

use std::fmt;

/// A channel binding type that we use. `tls-unique` is not among them: TLS 1.3 has none (RFC 9266 §1), and
/// on 1.2 it is unsafe across resumption (RFC 7677 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BindingType {
    /// `tls-exporter` (RFC 9266 §2): 32 bytes of keying material exported from the TLS session.
    TlsExporter,
    /// `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate.
    TlsServerEndPoint,
}

impl BindingType {
    /// Both types, the preferred first.
    pub const ALL: [Self; 2] = [Self::TlsExporter, Self::TlsServerEndPoint];

    /// The registered name, as it stands in `p=` (RFC 5802 §7, `cb-name`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }

    /// The type of that name, compared exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|binding_type| binding_type.name() == name)
    }
}

/// The binding data of one TLS session; empty outside TLS. `Debug` shows which there are, not the data: what is
/// exported from a session is nobody else's business.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ChannelBindings {
    /// The keying material exported with the label `EXPORTER-Channel-Binding`, an empty context, 32 bytes
    /// (RFC 9266 §2). Only where the session is TLS 1.3, or TLS 1.2 with the extended master secret (RFC 9266 §4).
    pub tls_exporter: Option<Vec<u8>>,
    /// The hash of the server's certificate, by the hash of its signature algorithm but at least SHA-256
    /// (RFC 5929 §4.1).
    pub tls_server_end_point: Option<Vec<u8>>,
}

impl ChannelBindings {
    /// The binding data of one type, if this channel has it.
    #[must_use]
    pub fn data(&self, binding_type: BindingType) -> Option<&[u8]> {
        match binding_type {
            BindingType::TlsExporter => self.tls_exporter.as_deref(),
            BindingType::TlsServerEndPoint => self.tls_server_end_point.as_deref(),
        }
        .filter(|data| !data.is_empty())
    }

    /// The preferred type that this channel has, with its data.
    #[must_use]
    pub fn preferred(&self) -> Option<(BindingType, &[u8])> {
        BindingType::ALL.into_iter().find_map(|binding_type| Some((binding_type, self.data(binding_type)?)))
    }

    /// Whether there is nothing to bind to.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.preferred().is_none()
    }
}

impl fmt::Debug for ChannelBindings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChannelBindings")
            .field("tls_exporter", &self.tls_exporter.is_some())
            .field("tls_server_end_point", &self.tls_server_end_point.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_unique_is_unknown() {
        assert_eq!(BindingType::from_name("tls-unique"), None);
        assert_eq!(BindingType::from_name("TLS-EXPORTER"), None);
        for binding_type in BindingType::ALL {
            assert_eq!(BindingType::from_name(binding_type.name()), Some(binding_type));
        }
    }

    #[test]
    fn empty_data_is_no_binding() {
        let bindings = ChannelBindings { tls_exporter: Some(Vec::new()), tls_server_end_point: None };
        assert!(bindings.is_empty());
        let bindings = ChannelBindings { tls_exporter: Some(Vec::new()), tls_server_end_point: Some(vec![1]) };
        assert_eq!(bindings.preferred(), Some((BindingType::TlsServerEndPoint, &[1][..])));
    }
}
