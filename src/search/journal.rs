//! The journal: one JSON line for everything the search has settled, written before the search goes on, so that a
//! killed search resumes where it was.

use super::saliency::Criterion;
use super::{Loss, Options, Part};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A journal that cannot be written, read or continued.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The journal.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A complete line that is not a record.
    #[error("{path}:{line}: not a journal record: {source}")]
    Record {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The journal is of another search.
    #[error(
        "{path}: the journal is of a search with another {what}; start again without --resume, or use the same"
    )]
    Other {
        /// The journal.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// There is a journal already and resuming was not asked for.
    #[error("{path} exists; use --resume to go on with it, or another output folder")]
    Exists {
        /// The journal.
        path: PathBuf,
    },
}

/// What a search is of: a journal is continued only by the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version, 1.
    pub version: u32,
    /// A hash of the network.
    pub network: String,
    /// A hash of the scoring set, made by whoever loads it.
    pub data: String,
    /// The device that scores; losses of another one differ in their last bits.
    pub device: String,
    /// The names of the tasks.
    pub tasks: Vec<String>,
    /// Everything that decides the search's course.
    pub options: Options,
}

/// One scored candidate of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Kept coordinates.
    pub keep: usize,
    /// The loss of every task.
    pub losses: Vec<Loss>,
    /// Those over the first pictures alone, where they were asked for ([`super::Evaluator::probe`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Part,
    /// The share of the energy of what reads the unit that is lost though it is recovered ([`crate::recover::dropped`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<f64>,
}

/// What was settled about one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// 0; 1 for the second pass that follows when units were dropped by top-k.
    pub pass: usize,
    /// The unit's id.
    pub unit: String,
    /// A hash of the network that the candidates pruned.
    pub network: String,
    /// Original coordinates, most salient first.
    pub order: Vec<usize>,
    /// What ranked them where the search's criterion could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranked_by: Option<Criterion>,
    /// The relative increase allowed to each task.
    pub limits: Vec<f64>,
    /// The candidates in the order scored: ever fewer kept.
    pub candidates: Vec<Scored>,
    /// Kept coordinates where a candidate was accepted.
    pub accepted: Option<usize>,
    /// The task whose limit the first refused candidate broke by most.
    pub limited_by: Option<String>,
    /// Whether candidates were scored, and what is accepted ships, with recovered weights.
    pub recovered: bool,
}

impl Visit {
    /// Whether this can be a visit of a unit that had the coordinates `kept`, with one loss for each of `tasks` tasks.
    pub(super) fn is_of(&self, kept: &[usize], tasks: usize) -> bool {
        let sorted = |list: &[usize]| -> BTreeSet<usize> { list.iter().copied().collect() };
        let scored = |s: &Scored| {
            let parts = s.part.as_ref().is_none_or(|part| part.len() == tasks);
            (1..=kept.len()).contains(&s.keep) && s.losses.len() == tasks && parts
        };
        self.order.len() == kept.len()
            && sorted(&self.order) == sorted(kept)
            && self.candidates.iter().all(scored)
            && self.accepted.is_none_or(|keep| self.candidates.iter().any(|s| s.keep == keep))
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    /// The first line.
    Start(Header),
    /// The losses of the unpruned network.
    Base {
        /// One for each task.
        losses: Vec<Loss>,
        /// Those over the first pictures alone, where a search asks for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Part,
    },
    /// A visited unit.
    Visit(Visit),
    /// The losses of the final network, its channels in their original order.
    Final {
        /// One for each task.
        losses: Vec<Loss>,
    },
}

/// An append-only file of records, or a list in memory.
#[derive(Debug)]
pub struct Journal {
    file: Option<(PathBuf, File)>,
    records: Vec<Record>,
}

impl Journal {
    /// A journal that is not written anywhere.
    pub fn in_memory() -> Self {
        Self { file: None, records: Vec::new() }
    }

    /// A new file at `path`; an existing one is an error.
    pub fn create(path: &Path, header: Header) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        if path.exists() {
            return Err(JournalError::Exists { path: path.to_owned() });
        }
        let file = File::create(path).map_err(io)?;
        let mut journal = Self { file: Some((path.to_owned(), file)), records: Vec::new() };
        journal.append(Record::Start(header))?;
        Ok(journal)
    }

    /// Continues the file at `path`, or creates it where there is none. A last line that a crash cut short is
    /// removed; a header that differs from `header` is an error.
    pub fn resume(path: &Path, header: Header) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        if !path.exists() {
            return Self::create(path, header);
        }
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let complete = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        file.set_len(complete as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let records = parse(path, &bytes[..complete])?;
        let mut journal = Self { file: Some((path.to_owned(), file)), records };
        match journal.records.first() {
            None => journal.append(Record::Start(header))?,
            Some(Record::Start(found)) => same(path, found, &header)?,
            Some(_) => return Err(JournalError::Other { path: path.to_owned(), what: "first record" }),
        }
        Ok(journal)
    }

    /// Adds a record and waits until it is on the disk.
    pub fn append(&mut self, record: Record) -> Result<(), JournalError> {
        if let Some((path, file)) = &mut self.file {
            let io = |source: std::io::Error| JournalError::Io { path: path.clone(), source };
            let mut line = serde_json::to_vec(&record).map_err(|e| io(e.into()))?;
            line.push(b'\n');
            file.write_all(&line).and_then(|()| file.sync_data()).map_err(io)?;
        }
        self.records.push(record);
        Ok(())
    }

    /// All records, oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The base losses and those over the first pictures, where they are known.
    pub fn base(&self) -> Option<(&[Loss], &Part)> {
        self.records.iter().find_map(|r| {
            if let Record::Base { losses, part } = r { Some((&losses[..], part)) } else { None }
        })
    }

    /// The final losses, where they are known.
    pub fn last(&self) -> Option<&[Loss]> {
        self.records
            .iter()
            .find_map(|r| if let Record::Final { losses } = r { Some(&losses[..]) } else { None })
    }

    /// The visits of a pass, in order.
    pub fn visits(&self, pass: usize) -> impl Iterator<Item = &Visit> {
        self.records.iter().filter_map(move |record| match record {
            Record::Visit(visit) if visit.pass == pass => Some(visit),
            Record::Start(_) | Record::Base { .. } | Record::Visit(_) | Record::Final { .. } => None,
        })
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Record>, JournalError> {
    let lines = bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_slice(line).map_err(|source| JournalError::Record {
                path: path.to_owned(),
                line: i + 1,
                source,
            })
        })
        .collect()
}

fn same(path: &Path, found: &Header, expected: &Header) -> Result<(), JournalError> {
    let what = if found.version != expected.version {
        "format version"
    } else if found.network != expected.network {
        "network"
    } else if found.data != expected.data {
        "scoring set"
    } else if found.device != expected.device {
        "device"
    } else if found.tasks != expected.tasks {
        "list of tasks"
    } else if found.options != expected.options {
        "set of options"
    } else {
        return Ok(());
    };
    Err(JournalError::Other { path: path.to_owned(), what })
}
