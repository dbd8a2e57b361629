//! The configuration file that `posthouse setup` writes.

use std::path::Path;

use posthouse_model::{Address, Domain};

/// The file for a new host. What is commented out shows what is the case anyway.
pub fn template(host: &Domain, data: &Path, user: Option<&str>, postmaster: &Address) -> String {
    let run_as = match user {
        Some(user) => format!("[run_as]\nuser = {}\n", quoted(user)),
        None => "#[run_as]\n#user = \"posthouse\"\n".to_owned(),
    };
    format!(
        r#"# The configuration of Posthouse: what the server needs to start. Every setting is described in
# docs/manual/configuration.md. Domains, accounts and aliases are managed with `posthouse domain`,
# `posthouse account` and `posthouse alias` while the server runs.
# After a change: systemctl restart posthouse (certificates alone: posthouse reload)

# The name of this host, as it stands in DNS.
host_name = {host}

# Where mail, queue and keys are kept.
data_directory = {data}

# Who gets what can be neither delivered nor returned.
postmaster = {postmaster}

# As whom to run once the ports are bound, when started as root.
{run_as}
# Certificates. Without any, the server makes one for itself, which clients have to be told to trust.
#[[certificate]]
#name = "main"
#chain = "/etc/letsencrypt/live/{host_plain}/fullchain.pem"
#key = "/etc/letsencrypt/live/{host_plain}/privkey.pem"

# Listeners. Without any, these are there, on all addresses: mx 25; submission 465 with implicit TLS, 587 and 2525
# with STARTTLS; imap 993 with implicit TLS, 143 with STARTTLS; pop3 995 with implicit TLS, 110 with STARTTLS.
#[[listener]]
#name = "mx"
#role = "mx"
#addresses = ["0.0.0.0:25", "[::]:25"]
# None of them serves HTTP. A listener of role "https" (443) serves the MTA-STS policies of the domains and takes in
# reports about TLS; one of role "health" (127.0.0.1:9125) tells whoever watches over the server how it is.

# Mail that leaves. Without a route it goes to the hosts that DNS names.
#[[outgoing.route]]
#host = "relay.example.net"
#port = 587
#tls = "starttls"
#login = "me"
#password_file = "/etc/posthouse/relay-password"

#[log]
#format = "text"
#filter = "info"
"#,
        host = quoted(host.as_str()),
        host_plain = host,
        data = quoted(&data.display().to_string()),
        postmaster = quoted(&postmaster.to_string()),
    )
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Configuration;

    #[test]
    fn the_template_is_valid_as_it_is_and_without_its_comment_signs() {
        let host = Domain::parse("mail.example.org").unwrap();
        let postmaster = Address::parse("admin@example.org").unwrap();
        for user in [None, Some("posthouse")] {
            let text = template(&host, Path::new("/srv/a \"b\""), user, &postmaster);
            let read = Configuration::of_text(Path::new("x"), &text).unwrap();
            assert_eq!(read.data_directory, Path::new("/srv/a \"b\""));
            assert_eq!(read.run_as.is_some(), user.is_some());
            let uncommented: String = text
                .lines()
                .map(|line| match line.strip_prefix('#') {
                    Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
                    _ => format!("{line}\n"),
                })
                .collect();
            let read = Configuration::of_text(Path::new("x"), &uncommented).unwrap();
            assert_eq!((read.listeners.len(), read.certificates.len(), read.outgoing.routes.len()), (1, 1, 1));
        }
    }
}
