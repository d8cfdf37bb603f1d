//! Where events go: a file that is followed by another when it is large, or standard output. A thread of its own writes; requests
//! hand lines over and never wait.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

/// Lines that wait for the thread.
const LINES_MAX: usize = 10_000;
/// Their bytes in all.
const BYTES_MAX: usize = 64 << 20;
/// Lines that are written at once.
const BATCH: usize = 256;

/// Where and how long.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The file; `-` is standard output.
    pub path: PathBuf,
    /// Bytes beyond which a new file is begun.
    pub size_max: u64,
    /// Old files that are kept; 0 keeps all.
    pub backups_max: usize,
    /// How long old files are kept; zero keeps them.
    pub age_max: SignedDuration,
}

/// The log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("open the audit log {path}; check its directory and its owner")]
pub struct LogError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// The way to the thread.
#[derive(Clone, Debug)]
pub(super) struct Log {
    lines: mpsc::Sender<String>,
    waiting: Arc<AtomicUsize>,
}

impl Log {
    pub(super) fn open(config: &LogConfig) -> Result<Self, LogError> {
        let fail = |source| LogError {
            path: config.path.clone(),
            source,
        };
        let mut output = Output::open(config).map_err(fail)?;
        let (lines, mut inbox) = mpsc::channel::<String>(LINES_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = waiting.clone();
        let work = move || {
            let mut batch = Vec::with_capacity(BATCH);
            while inbox.blocking_recv_many(&mut batch, BATCH) > 0 {
                let bytes: usize = batch.iter().map(String::len).sum();
                if let Err(error) = output.write(&batch) {
                    count_lost(batch.len());
                    tracing::error!(%error, "audit events could not be written");
                }
                counted.fetch_sub(bytes, Ordering::Relaxed);
                batch.clear();
            }
        };
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(work)
            .map_err(fail)?;
        Ok(Self { lines, waiting })
    }

    /// Hands a line over, or drops it.
    pub(super) fn write(&self, mut line: String) {
        line.push('\n');
        let bytes = line.len();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes <= BYTES_MAX && self.lines.try_send(line).is_ok() {
            metrics::counter!("apiserver_audit_event_total").increment(1);
            return;
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        count_lost(1);
    }
}

fn count_lost(lines: usize) {
    metrics::counter!("apiserver_audit_error_total", "plugin" => "log").increment(lines as u64);
}

/// What the thread writes to.
struct Output {
    config: LogConfig,
    file: Option<File>,
    size: u64,
}

fn append(path: &Path) -> std::io::Result<(File, u64)> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

impl Output {
    fn open(config: &LogConfig) -> std::io::Result<Self> {
        let (file, size) = if config.path.as_os_str() == "-" {
            (None, 0)
        } else {
            if let Some(parent) = config.path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let (file, size) = append(&config.path)?;
            (Some(file), size)
        };
        Ok(Self {
            config: config.clone(),
            file,
            size,
        })
    }

    fn write(&mut self, lines: &[String]) -> std::io::Result<()> {
        let Some(_) = &self.file else {
            let mut out = std::io::stdout().lock();
            lines.iter().try_for_each(|line| out.write_all(line.as_bytes()))?;
            return out.flush();
        };
        let mut chunk = String::new();
        for line in lines {
            let grown = self.size + (chunk.len() + line.len()) as u64;
            if grown > self.config.size_max && self.size + chunk.len() as u64 > 0 {
                self.put(&std::mem::take(&mut chunk))?;
                self.rotate(Timestamp::now())?;
            }
            chunk.push_str(line);
        }
        self.put(&chunk)
    }

    fn put(&mut self, text: &str) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(text.as_bytes())?;
            self.size += text.len() as u64;
        }
        Ok(())
    }

    /// Moves the file aside, begins another, and deletes what is too old or too many.
    fn rotate(&mut self, now: Timestamp) -> std::io::Result<()> {
        let path = &self.config.path;
        let stamp = now.strftime("%Y-%m-%dT%H-%M-%S%.6f");
        let (stem, ending) = parts(path);
        let aside = path.with_file_name(format!("{stem}-{stamp}{ending}"));
        std::fs::rename(path, aside)?;
        let (file, size) = append(path)?;
        (self.file, self.size) = (Some(file), size);
        self.prune(now);
        Ok(())
    }

    fn prune(&self, now: Timestamp) {
        let (stem, ending) = parts(&self.config.path);
        let parent = match self.config.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let mut old: Vec<(String, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let stamp = name
                    .strip_prefix(&stem)?
                    .strip_prefix('-')?
                    .strip_suffix(&ending)?
                    .to_owned();
                stamp
                    .starts_with(|first: char| first.is_ascii_digit())
                    .then(|| (stamp, entry.path()))
            })
            .collect();
        old.sort_by(|one, two| two.cmp(one));
        let limit = (now - self.config.age_max).strftime("%Y-%m-%dT%H-%M-%S").to_string();
        for (at, (stamp, path)) in old.iter().enumerate() {
            let many = self.config.backups_max > 0 && at >= self.config.backups_max;
            let late = !self.config.age_max.is_zero() && *stamp < limit;
            if (many || late)
                && let Err(error) = std::fs::remove_file(path)
            {
                tracing::warn!(%error, path = %path.display(), "an old audit log could not be deleted");
            }
        }
    }
}

/// A file's name without its ending, and the ending with its dot.
fn parts(path: &Path) -> (String, String) {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy()));
    (text(path.file_stem()), ending.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: PathBuf) -> LogConfig {
        LogConfig {
            path,
            size_max: 25,
            backups_max: 2,
            age_max: SignedDuration::ZERO,
        }
    }

    #[test]
    fn a_large_file_is_followed_by_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs").join("audit.log");
        let mut output = Output::open(&config(path.clone())).unwrap();
        for number in 0..9 {
            output
                .write(&[format!("line {number}\n"), format!("more {number}\n")])
                .unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .collect();
        assert_eq!(files.len(), 3, "{files:?}");
        for file in &files {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.len() <= 25 && text.ends_with('\n'), "{text}");
        }
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("more 8\n"));
        // A restart goes on where it was.
        let size = Output::open(&config(path.clone())).unwrap().size;
        assert_eq!(size, std::fs::metadata(&path).unwrap().len());
    }

    #[test]
    fn old_files_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let stamped = |stamp: &str| dir.path().join(format!("audit-{stamp}.log"));
        for stamp in ["2026-01-01T00-00-00.000", "2026-06-01T00-00-00.000"] {
            std::fs::write(stamped(stamp), "x").unwrap();
        }
        std::fs::write(dir.path().join("audit-notes.log"), "x").unwrap();
        let mut config = config(path);
        (config.backups_max, config.age_max) = (0, SignedDuration::from_hours(24 * 30));
        Output::open(&config)
            .unwrap()
            .prune("2026-06-10T00:00:00Z".parse().unwrap());
        assert!(!stamped("2026-01-01T00-00-00.000").exists() && stamped("2026-06-01T00-00-00.000").exists());
        assert!(dir.path().join("audit-notes.log").exists(), "what is not ours stays");
    }

    #[test]
    fn what_does_not_fit_is_dropped() {
        let (lines, inbox) = mpsc::channel(2);
        let log = Log {
            lines,
            waiting: Arc::default(),
        };
        (0..5).for_each(|_| log.write("x".to_owned()));
        assert_eq!((inbox.len(), log.waiting.load(Ordering::Relaxed)), (2, 4));
        let (lines, inbox) = mpsc::channel(10);
        let log = Log {
            lines,
            waiting: Arc::new(AtomicUsize::new(BYTES_MAX - 1)),
        };
        log.write("x".to_owned());
        assert!(inbox.is_empty());
    }
}
