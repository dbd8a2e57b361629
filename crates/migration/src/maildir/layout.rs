//! Where folders lie.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::HIERARCHY_DELIMITER;

use crate::directory::{Directory, Kind};
use crate::limits::{MAX_DEPTH, MAX_FOLDERS};
use crate::{Problem, names};

/// The separator of folder names where nobody said otherwise.
pub const USUAL_SEPARATOR: char = '.';
/// What the name of every folder begins with that lies beside others, whatever separates its levels.
const FIRST: &str = ".";
/// What a folder has in it, besides further folders.
const PARTS: [&str; 3] = ["cur", "new", "tmp"];

/// Where folders lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Side by side, their levels separated by this character, usually a dot: `.Work.2024`.
    SideBySide(char),
    /// In each other: `Work/2024`.
    Nested,
}

/// What is known of where folders lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutChoice {
    /// It is as it looks.
    AsItLooks,
    /// Somebody said so.
    Given(Layout),
}

/// A folder that was found: the way to it, one name after another, and what its levels are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub way: Vec<Vec<u8>>,
    pub levels: Vec<String>,
}

impl Place {
    /// For people.
    pub fn shown(&self) -> String {
        match self.way.is_empty() {
            true => "INBOX".to_owned(),
            false => self.way.iter().map(|name| name.escape_ascii().to_string()).collect::<Vec<_>>().join("/"),
        }
    }
}

impl LayoutChoice {
    /// The layout of what lies in `root`: nested unless there is a folder whose name begins with a dot.
    pub(super) fn find(self, root: &Directory) -> io::Result<Layout> {
        if let Self::Given(layout) = self {
            return Ok(layout);
        }
        for (name, kind) in root.entries(MAX_FOLDERS * 2)? {
            let begins = name.as_bytes().starts_with(FIRST.as_bytes());
            if kind == Kind::Directory && begins && root.enter(&name).is_ok_and(|folder| is_folder(&folder)) {
                return Ok(Layout::SideBySide(USUAL_SEPARATOR));
            }
        }
        Ok(Layout::Nested)
    }
}

/// Whether a directory has messages in it.
pub(super) fn is_folder(directory: &Directory) -> bool {
    matches!(directory.kind(OsStr::new("cur")), Ok(Kind::Directory))
}

/// All folders, and what might have been one and cannot be looked into.
pub(super) fn places(root: &Directory, layout: Layout) -> io::Result<(Vec<Place>, Vec<Problem>)> {
    let mut found = (Vec::new(), Vec::new());
    if is_folder(root) {
        found.0.push(Place { way: Vec::new(), levels: vec!["INBOX".to_owned()] });
    }
    let top = Place { way: Vec::new(), levels: Vec::new() };
    match layout {
        Layout::SideBySide(separator) => side_by_side(root, separator, &mut found)?,
        Layout::Nested => nested(root, &top, &mut found)?,
    }
    if found.0.len() > MAX_FOLDERS {
        return Err(io::Error::other(format!("there are more than {MAX_FOLDERS} folders")));
    }
    found.0.sort_by(|one, other| one.way.cmp(&other.way));
    Ok(found)
}

fn side_by_side(root: &Directory, separator: char, found: &mut (Vec<Place>, Vec<Problem>)) -> io::Result<()> {
    let mut encoded = [0; 4];
    let separator = separator.encode_utf8(&mut encoded).as_bytes();
    for (name, kind) in root.entries(MAX_FOLDERS * 2)? {
        let Some(inner) = name.as_bytes().strip_prefix(FIRST.as_bytes()).filter(|inner| !inner.is_empty()) else {
            continue;
        };
        let levels = split(inner, separator).map(names::decode_level).collect();
        let place = Place { way: vec![name.as_bytes().to_vec()], levels };
        match (kind, root.enter(&name)) {
            (Kind::Directory, Ok(directory)) if is_folder(&directory) => found.0.push(place),
            (Kind::Directory, Ok(_)) | (Kind::File, _) => {}
            (Kind::Directory, Err(error)) => found.1.push(Problem::new(place.shown(), &error)),
            (Kind::Other, _) => found.1.push(Problem::new(place.shown(), "it is a symbolic link")),
        }
    }
    Ok(())
}

fn split<'a>(name: &'a [u8], separator: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let name = rest?;
        match memchr::memmem::find(name, separator) {
            Some(at) => {
                rest = Some(&name[at + separator.len()..]);
                Some(&name[..at])
            }
            None => rest.take(),
        }
    })
}

fn nested(directory: &Directory, above: &Place, found: &mut (Vec<Place>, Vec<Problem>)) -> io::Result<()> {
    for (name, kind) in directory.entries(MAX_FOLDERS * 2)? {
        // What begins with a dot is somebody's own, such as an index.
        if name.as_bytes().starts_with(b".") || PARTS.iter().any(|part| name == *part) || kind == Kind::File {
            continue;
        }
        let mut place = above.clone();
        place.way.push(name.as_bytes().to_vec());
        place.levels.push(names::decode_level(name.as_bytes()));
        if place.way.len() > MAX_DEPTH {
            found.1.push(Problem::new(place.shown(), &format!("it lies more than {MAX_DEPTH} levels deep")));
            continue;
        }
        match (kind, directory.enter(&name)) {
            (Kind::Directory, Ok(below)) => {
                if is_folder(&below) {
                    found.0.push(place.clone());
                }
                if found.0.len() <= MAX_FOLDERS {
                    nested(&below, &place, found)?;
                }
            }
            (Kind::Directory, Err(error)) => found.1.push(Problem::new(place.shown(), &error)),
            _ => found.1.push(Problem::new(place.shown(), "it is a symbolic link")),
        }
    }
    Ok(())
}

/// The way to the folder of a mailbox, one name after another.
pub(super) fn way_to(name: &MailboxName, layout: Layout) -> Vec<String> {
    match layout {
        _ if name.is_inbox() => Vec::new(),
        Layout::SideBySide(separator) => vec![names::maildir_file_name(name, separator)],
        Layout::Nested => name.as_str().split(HIERARCHY_DELIMITER).map(names::level_file_name).collect(),
    }
}
