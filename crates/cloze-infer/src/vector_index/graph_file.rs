//! Whether the bytes of a graph's file are those of a graph over the vectors of an index.
//!
//! The crate reads what `bincode` wrote, numbers in little-endian order, and allocates what the
//! file asks for; so the file is walked through once before, to its last byte.
//!
//! | part | what |
//! |---|---|
//! | head | version, type of numbers, [`HnswConfig`], entry, highest level, number of nodes |
//! | nodes | for each its key, whether it is deleted, its level |
//! | neighbours | for each node and each of its levels their number, then as many nodes |

use hnsw_stable::HnswConfig;

/// The version of the crate's format.
const VERSION: u32 = 2;
/// 32 bits: `f32`.
const TYPE: u32 = 0;
/// Levels are drawn so that no number of vectors comes near this one.
const LEVELS: u32 = 256;

/// Refuses bytes that are not a graph of this configuration, in which every vector is a node.
pub(super) fn check(bytes: &[u8], config: &HnswConfig) -> Result<(), String> {
    let mut input = Input(bytes);
    head(&mut input, config)?;
    let nodes = config.max_nodes;
    // Before anything is allocated: no node takes less.
    if input.0.len() < nodes * (NODE + LIST) {
        return Err(format!("{} bytes for {nodes} vectors", bytes.len()));
    }
    let mut levels = Vec::with_capacity(nodes);
    for node in 0..nodes {
        let (key, deleted, level) = (input.u32()?, input.u8()?, input.u32()?);
        if key as usize != node || deleted != 0 || level >= LEVELS {
            return Err(format!("node {node} is {key}, {deleted}, {level}"));
        }
        levels.push(level);
    }
    for node in 0..nodes {
        for level in 0..=levels[node] {
            neighbours(&mut input, node, level, &levels, config)?;
        }
    }
    match input.0.len() {
        0 => Ok(()),
        more => Err(format!("{more} bytes too many")),
    }
}

/// Bytes of a node.
const NODE: usize = 9;
/// Bytes of a list of neighbours that is empty.
const LIST: usize = 2;

fn head(input: &mut Input<'_>, config: &HnswConfig) -> Result<(), String> {
    let (version, kind) = (input.u32()?, input.u32()?);
    if (version, kind) != (VERSION, TYPE) {
        return Err(format!("version {version}, type {kind}"));
    }
    for (name, wanted) in [
        ("numbers in a vector", Some(config.dim)),
        ("vectors", Some(config.max_nodes)),
        ("neighbours", Some(config.m)),
        ("candidates", Some(config.ef_construction)),
        ("candidates in a search", None),
        ("seed", usize::try_from(config.seed).ok()),
        ("locks", Some(config.label_operation_locks)),
    ] {
        let found = input.u64()?;
        if let Some(wanted) = wanted
            && found != wanted as u64
        {
            return Err(format!("{name}: {found} instead of {wanted}"));
        }
    }
    // An entry that is there, and the highest level, which the crate compares with the levels.
    let has_entry = input.u8()?;
    if has_entry != 1 {
        return Err("no entry".into());
    }
    let (entry, _, nodes) = (input.u32()?, input.u32()?, input.u32()?);
    if nodes as usize != config.max_nodes || entry >= nodes {
        return Err(format!("entry {entry} of {nodes} nodes"));
    }
    Ok(())
}

/// The neighbours of a node on a level: other nodes that are on this level too.
fn neighbours(
    input: &mut Input<'_>,
    node: usize,
    level: u32,
    levels: &[u32],
    config: &HnswConfig,
) -> Result<(), String> {
    let count = input.u16()?;
    let most = if level == 0 { 2 * config.m } else { config.m };
    if usize::from(count) > most {
        return Err(format!("node {node} has {count} neighbours"));
    }
    for _ in 0..count {
        let other = input.u32()? as usize;
        let is_there = levels.get(other).is_some_and(|&highest| highest >= level);
        if !is_there || other == node {
            return Err(format!(
                "node {node} has the neighbour {other} on level {level}"
            ));
        }
    }
    Ok(())
}

/// Numbers from the start of the bytes.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or("it is cut off")?;
        self.0 = rest;
        Ok(*first)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(u8::from_le_bytes(self.take()?))
    }

    fn u16(&mut self) -> Result<u16, String> {
        Ok(u16::from_le_bytes(self.take()?))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.take()?))
    }
}
