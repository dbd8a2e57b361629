//! Where a password comes from: the terminal, standard input, or chance.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;

use anyhow::{Context, bail, ensure};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use posthouse_identity::random_password;
use posthouse_model::Secret;

use crate::cli::PasswordOptions;
use crate::cli::migration::ServerOptions;

/// Longest line that is read as a password, in octets.
const MAX_LINE_BYTES: u64 = 1024;
const TERMINAL: &str = "/dev/tty";

/// A new password, and whether it has to be shown because nobody knows it yet.
pub struct NewPassword {
    /// The password.
    pub secret: Secret,
    /// Whether chance made it.
    pub is_generated: bool,
}

/// Gets a new password for `whom`.
///
/// # Errors
/// When there is no terminal to ask at, or the two answers differ.
pub fn new_password(options: PasswordOptions, whom: &str) -> anyhow::Result<NewPassword> {
    if options.generate {
        return Ok(NewPassword { secret: Secret::new(random_password()), is_generated: true });
    }
    if options.password_stdin {
        let line = read_line(&mut io::stdin().lock()).context("the password cannot be read from standard input")?;
        return Ok(NewPassword { secret: line, is_generated: false });
    }
    let Ok(terminal) = File::options().read(true).write(true).open(TERMINAL) else {
        bail!("there is no terminal to ask for the password: use --password-stdin or --generate");
    };
    let first = ask(&terminal, &format!("New password for {whom}: "))?;
    let second = ask(&terminal, "The same again: ")?;
    ensure!(first.expose() == second.expose(), "the two passwords differ");
    Ok(NewPassword { secret: first, is_generated: false })
}

/// Gets the password of `whom` at another server, from where the options say, or by asking for it.
///
/// # Errors
/// When it cannot be read there.
pub fn known_password(options: &ServerOptions, whom: &str) -> anyhow::Result<Secret> {
    if let Some(path) = &options.password_file {
        let shown = || format!("{}: the password cannot be read", path.display());
        let file = File::open(path).with_context(shown)?;
        return read_line(&mut BufReader::new(file)).with_context(shown);
    }
    if let Some(name) = &options.password_env {
        let Some(value) = std::env::var_os(name) else { bail!("there is no environment variable {name}") };
        let secret = Secret::new(value.into_encoded_bytes());
        ensure!(!secret.is_empty(), "the password in {name} is empty");
        return Ok(secret);
    }
    if options.password_stdin {
        return read_line(&mut io::stdin().lock()).context("the password cannot be read from standard input");
    }
    let Ok(terminal) = File::options().read(true).write(true).open(TERMINAL) else {
        bail!("there is no terminal to ask for the password: use --password-file, --password-env or --password-stdin");
    };
    ask(&terminal, &format!("Password of {whom}: "))
}

fn read_line(from: &mut impl BufRead) -> anyhow::Result<Secret> {
    let mut line = String::new();
    from.take(MAX_LINE_BYTES).read_line(&mut line)?;
    let secret = Secret::new(line.trim_end_matches(['\r', '\n']));
    drop(Secret::new(line));
    ensure!(!secret.is_empty(), "the password is empty");
    Ok(secret)
}

fn ask(mut terminal: &File, question: &str) -> anyhow::Result<Secret> {
    terminal.write_all(question.as_bytes())?;
    let silence = Silence::begin(terminal)?;
    let answer = read_line(&mut BufReader::new(terminal));
    drop(silence);
    terminal.write_all(b"\n")?;
    answer
}

/// While it lives, the terminal does not show what is typed.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(terminal: &'a File) -> anyhow::Result<Self> {
        let before = tcgetattr(terminal.as_fd()).context("the terminal cannot be made silent")?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(terminal.as_fd(), SetArg::TCSAFLUSH, &silent).context("the terminal cannot be made silent")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // There is nobody to tell if it fails.
        let _ = tcsetattr(self.terminal.as_fd(), SetArg::TCSAFLUSH, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_a_password() {
        let read = |text: &str| read_line(&mut text.as_bytes()).map(|secret| secret.expose().to_vec()).ok();
        assert_eq!(read("a b\r\nnext\n"), Some(b"a b".to_vec()));
        assert_eq!(read("no end"), Some(b"no end".to_vec()));
        assert_eq!(read("\n"), None);
        assert_eq!(read(""), None);
    }
}
