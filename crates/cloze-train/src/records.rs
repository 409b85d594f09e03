//! What a run writes down line by line: the log, and what follows from its lines, TensorBoard's
//! event file and the pictures of the curves.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::config::TrainConfig;
use crate::curves::Curves;
use crate::error::TrainError;
use crate::log::{Log, LogLine, read_lines};
use crate::run_folder::RunFolder;
use crate::state::Progress;
use crate::tensorboard::EventFile;

/// Epochs of a head on kept features may take less time than drawing.
const BETWEEN_PICTURES: Duration = Duration::from_secs(1);

/// The files of a run that grow with every line.
#[derive(Debug)]
pub(crate) struct Records {
    folder: RunFolder,
    log: Log,
    events: Option<EventFile>,
    curves: Option<Curves>,
    /// When the pictures were written last.
    drawn: Option<Instant>,
}

/// The event file as a checkpoint left it. Where somebody has removed it since, it is made anew of the log,
/// which says all that it said.
fn open_events(folder: &Path, length: u64, lines: &[LogLine]) -> io::Result<EventFile> {
    if EventFile::is_whole(folder, length) {
        return EventFile::open(folder, length, now());
    }
    let mut events = EventFile::open(folder, 0, now())?;
    for line in lines {
        events.append(line, now())?;
    }
    Ok(events)
}

impl Records {
    /// The files of a run as the checkpoint that it goes on from left them.
    pub(crate) fn open(
        folder: &RunFolder,
        config: &TrainConfig,
        progress: &Progress,
    ) -> Result<Self, TrainError> {
        let path = folder.log();
        let log = Log::open(&path, progress.log_bytes)
            .map_err(|source| TrainError::write(&path, source))?;
        let lines = match config.curves || config.tensorboard {
            true => read_lines(&path).map_err(|source| TrainError::read(&path, source))?,
            false => Vec::new(),
        };
        let mut curves = config.curves.then(Curves::default);
        if let Some(curves) = &mut curves {
            lines.iter().for_each(|line| curves.add(line));
        }
        let path = folder.tensorboard();
        let events = config
            .tensorboard
            .then(|| open_events(&path, progress.tensorboard_bytes, &lines))
            .transpose()
            .map_err(|source| TrainError::write(&path, source))?;
        Ok(Self {
            folder: folder.clone(),
            log,
            events,
            curves,
            drawn: None,
        })
    }

    /// Writes a line down.
    pub(crate) fn append(&mut self, line: &LogLine) -> Result<(), TrainError> {
        let written = self
            .log
            .append(line)
            .map_err(|source| TrainError::write(&self.folder.log(), source))?;
        if let Some(curves) = &mut self.curves {
            // What a resumed run will read, so that it draws the same.
            curves.add(&written);
        }
        let events = self.events.as_mut();
        events
            .map_or(Ok(()), |events| events.append(line, now()))
            .map_err(|source| TrainError::write(&self.folder.tensorboard(), source))
    }

    /// Writes the pictures, unless that was done a moment ago and there will be another time.
    pub(crate) fn draw(&mut self, is_last: bool) -> Result<(), TrainError> {
        let Some(curves) = &self.curves else {
            return Ok(());
        };
        let recently = |drawn: Instant| drawn.elapsed() < BETWEEN_PICTURES;
        if !is_last && self.drawn.is_some_and(recently) {
            return Ok(());
        }
        let svg = self.folder.curves("svg");
        curves
            .write(&svg, &self.folder.curves("png"))
            .map_err(|source| TrainError::write(&svg, source))?;
        self.drawn = Some(Instant::now());
        Ok(())
    }

    /// Brings all lines to the disk, and says in `progress` how long the files are.
    pub(crate) fn sync(&mut self, progress: &mut Progress) -> Result<(), TrainError> {
        progress.log_bytes = self
            .log
            .sync()
            .map_err(|source| TrainError::write(&self.folder.log(), source))?;
        if let Some(events) = &mut self.events {
            progress.tensorboard_bytes = events
                .sync()
                .map_err(|source| TrainError::write(&self.folder.tensorboard(), source))?;
        }
        Ok(())
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
