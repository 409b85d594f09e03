//! A pickle reader that builds data and calls nothing.
//!
//! Python's own reader calls whatever function a pickle names. This one knows the opcodes that
//! `torch.save` writes (protocols 2 to 4), puts every value into one flat arena, and refuses any
//! name outside the short list in [`Global::named`]. Every opcode adds at most one value and
//! reads at most what is left of the input, so memory stays in proportion to the file.
//!
//! The opcodes are described in `Lib/pickletools.py` of the Python distribution.

use std::collections::HashMap;

use thiserror::Error;

use super::StoredType;

/// Where a value stands in the arena.
pub(crate) type Id = usize;

/// What a pickle is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Text(String),
    Bytes,
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set,
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// What `Global` would have been called with.
    Call(Global, Id),
    /// An object that the archive holds outside the pickle, by its persistent id.
    Persistent(Id),
}

/// The names that a checkpoint may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2` and its predecessor: a view of a storage.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`: a tensor that is trained.
    RebuildParameter,
    /// `torch.Size`
    Size,
    /// `torch.FloatStorage` and its kin.
    Storage(StoredType),
}

impl Global {
    fn named(module: &str, name: &str) -> Result<Self, UnpickleError> {
        let storage = || name.strip_suffix("Storage").and_then(StoredType::from_torch);
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Ok(Self::RebuildParameter)
            }
            ("torch", "Size") => Ok(Self::Size),
            _ => match storage().filter(|_| module == "torch") {
                Some(stored) => Ok(Self::Storage(stored)),
                None => Err(UnpickleError::Global {
                    name: format!("{module}.{name}"),
                }),
            },
        }
    }
}

/// Why a pickle cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum UnpickleError {
    #[error("its pickle ends early")]
    Truncated,
    #[error("an opcode 0x{opcode:02x} at byte {at} of its pickle")]
    Opcode { opcode: u8, at: usize },
    #[error("a reference to `{name}`")]
    Global { name: String },
    #[error("a pickle that is broken at byte {at}: {what}")]
    Broken { at: usize, what: &'static str },
}

/// The values of a pickle and which of them is the outermost.
#[derive(Debug)]
pub(crate) struct Pickle {
    arena: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// Reads a pickle. Nothing in it is executed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, UnpickleError> {
        let mut machine = Machine {
            bytes,
            at: 0,
            arena: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine.run()?;
        Ok(Self {
            arena: machine.arena,
            root,
        })
    }

    pub(crate) fn root(&self) -> &Object {
        &self.arena[self.root]
    }

    pub(crate) fn get(&self, id: Id) -> &Object {
        // Ids are only ever made by `Machine::add`, and the arena never shrinks.
        &self.arena[id]
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    arena: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, UnpickleError> {
        loop {
            let at = self.at;
            let opcode = self.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            if !(self.constant(opcode)? || self.container(opcode)? || self.machinery(opcode)?) {
                return Err(UnpickleError::Opcode { opcode, at });
            }
        }
    }

    /// Opcodes that push a number, a text or the like.
    fn constant(&mut self, opcode: u8) -> Result<bool, UnpickleError> {
        let object = match opcode {
            b'N' => Object::None,
            0x88 => Object::Bool(true),
            0x89 => Object::Bool(false),
            b'K' => Object::Int(i64::from(self.byte()?)),
            b'M' => Object::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'J' => Object::Int(i64::from(i32::from_le_bytes(self.array()?))),
            0x8a => {
                let length = usize::from(self.byte()?);
                self.long(length)?
            }
            0x8b => {
                let length = self.length4()?;
                self.long(length)?
            }
            b'I' => self.decimal()?,
            b'G' => {
                self.array::<8>()?;
                Object::Float
            }
            b'X' | b'T' => {
                let length = self.length4()?;
                self.text(length)?
            }
            0x8c | b'U' => {
                let length = usize::from(self.byte()?);
                self.text(length)?
            }
            0x8d => {
                let length = self.length8()?;
                self.text(length)?
            }
            b'C' | b'B' | 0x8e => {
                let length = match opcode {
                    b'C' => usize::from(self.byte()?),
                    b'B' => self.length4()?,
                    _ => self.length8()?,
                };
                self.take(length)?;
                Object::Bytes
            }
            _ => return Ok(false),
        };
        self.push(object);
        Ok(true)
    }

    /// Opcodes that build lists, tuples and dictionaries.
    fn container(&mut self, opcode: u8) -> Result<bool, UnpickleError> {
        match opcode {
            b'(' => self.marks.push(self.stack.len()),
            b']' => self.push(Object::List(Vec::new())),
            b')' => self.push(Object::Tuple(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            0x8f => self.push(Object::Set),
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Object::Tuple(items));
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items));
            }
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Object::List(items));
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                let pairs = self.pairs(items)?;
                self.push(Object::Dict(pairs));
            }
            b'a' => {
                let items = self.pop_many(1)?;
                self.append(items)?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(items)?;
            }
            // What a set holds is of no use here.
            0x90 => drop(self.pop_to_mark()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Opcodes for the stack, the memo, names and calls.
    fn machinery(&mut self, opcode: u8) -> Result<bool, UnpickleError> {
        match opcode {
            0x80 => drop(self.byte()?),
            0x95 => drop(self.take(8)?),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'q' => {
                let key = u32::from(self.byte()?);
                self.remember(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)?;
            }
            0x94 => {
                let key = u32::try_from(self.memo.len()).map_err(|_| self.broken("its memo"))?;
                self.remember(key)?;
            }
            b'h' => {
                let key = u32::from(self.byte()?);
                self.recall(key)?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                let global = Global::named(&module, &name)?;
                self.push(Object::Global(global));
            }
            0x93 => self.global_from_stack()?,
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Persistent(id));
            }
            b'R' | 0x81 => self.call()?,
            // The state of an object (a dictionary's `_metadata`) is of no use here.
            b'b' => drop(self.pop()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn call(&mut self) -> Result<(), UnpickleError> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let Object::Global(global) = self.arena[callee] else {
            return Err(self.broken("a call of something that has no name"));
        };
        let Object::Tuple(items) = &self.arena[arguments] else {
            return Err(self.broken("a call without a tuple of arguments"));
        };
        match (global, items.first().copied()) {
            (Global::OrderedDict, None) => self.push(Object::Dict(Vec::new())),
            (Global::OrderedDict, Some(list)) => {
                let pairs = self.key_value_tuples(list)?;
                self.push(Object::Dict(pairs));
            }
            // A size is its tuple.
            (Global::Size, Some(sizes)) => self.stack.push(sizes),
            _ => self.push(Object::Call(global, arguments)),
        }
        Ok(())
    }

    /// Takes the pairs out of a list; taken, not copied, so that a pickle which uses one list a
    /// thousand times cannot make a thousand dictionaries of it.
    fn key_value_tuples(&mut self, list: Id) -> Result<Vec<(Id, Id)>, UnpickleError> {
        let Object::List(items) = &mut self.arena[list] else {
            return Err(self.broken("a dictionary of something else than pairs"));
        };
        let items = std::mem::take(items);
        let pair = |&id: &Id| match &self.arena[id] {
            Object::Tuple(items) | Object::List(items) if items.len() == 2 => {
                Ok((items[0], items[1]))
            }
            _ => Err(self.broken("a dictionary entry that is no pair")),
        };
        items.iter().map(pair).collect()
    }

    fn global_from_stack(&mut self) -> Result<(), UnpickleError> {
        let names = self.pop_many(2)?;
        let (Object::Text(module), Object::Text(name)) =
            (&self.arena[names[0]], &self.arena[names[1]])
        else {
            return Err(self.broken("a name that is no text"));
        };
        let global = Global::named(module, name)?;
        self.push(Object::Global(global));
        Ok(())
    }

    fn append(&mut self, new: Vec<Id>) -> Result<(), UnpickleError> {
        let list = self.top()?;
        match &mut self.arena[list] {
            Object::List(items) => items.extend(new),
            _ => return Err(self.broken("an item for something that is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, new: Vec<Id>) -> Result<(), UnpickleError> {
        let pairs = self.pairs(new)?;
        let dict = self.top()?;
        match &mut self.arena[dict] {
            Object::Dict(items) => items.extend(pairs),
            _ => return Err(self.broken("an entry for something that is no dictionary")),
        }
        Ok(())
    }

    fn pairs(&self, items: Vec<Id>) -> Result<Vec<(Id, Id)>, UnpickleError> {
        if items.len() % 2 == 1 {
            return Err(self.broken("a key without a value"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn add(&mut self, object: Object) -> Id {
        self.arena.push(object);
        self.arena.len() - 1
    }

    fn push(&mut self, object: Object) {
        let id = self.add(object);
        self.stack.push(id);
    }

    fn top(&self) -> Result<Id, UnpickleError> {
        let empty = self.marks.last() == Some(&self.stack.len());
        let top = self.stack.last().filter(|_| !empty);
        top.copied().ok_or_else(|| self.broken("an empty stack"))
    }

    fn pop(&mut self) -> Result<Id, UnpickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, UnpickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() < floor + count {
            return Err(self.broken("an empty stack"));
        }
        Ok(self.stack.split_off(self.stack.len() - count))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, UnpickleError> {
        let mark = self.marks.pop().ok_or_else(|| self.broken("no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn remember(&mut self, key: u32) -> Result<(), UnpickleError> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), UnpickleError> {
        let id = self.memo.get(&key).copied();
        let id = id.ok_or_else(|| self.broken("a value that was never remembered"))?;
        self.stack.push(id);
        Ok(())
    }

    fn broken(&self, what: &'static str) -> UnpickleError {
        UnpickleError::Broken { at: self.at, what }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], UnpickleError> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or(UnpickleError::Truncated)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, UnpickleError> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], UnpickleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn length4(&mut self) -> Result<usize, UnpickleError> {
        // A negative or too large length fails in `take`.
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length8(&mut self) -> Result<usize, UnpickleError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| UnpickleError::Truncated)
    }

    fn text(&mut self, length: usize) -> Result<Object, UnpickleError> {
        let text = std::str::from_utf8(self.take(length)?).map(str::to_owned);
        text.map(Object::Text)
            .map_err(|_| self.broken("a text that is not UTF-8"))
    }

    fn line(&mut self) -> Result<String, UnpickleError> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let length = length.ok_or(UnpickleError::Truncated)?;
        let line = std::str::from_utf8(&rest[..length]).map(str::to_owned);
        self.at += length + 1;
        line.map_err(|_| self.broken("a name that is not UTF-8"))
    }

    fn decimal(&mut self) -> Result<Object, UnpickleError> {
        let line = self.line()?;
        match line.as_str() {
            "00" => Ok(Object::Bool(false)),
            "01" => Ok(Object::Bool(true)),
            digits => digits
                .parse()
                .map(Object::Int)
                .map_err(|_| self.broken("a number that is none")),
        }
    }

    /// A two's complement number of up to eight bytes.
    fn long(&mut self, length: usize) -> Result<Object, UnpickleError> {
        let bytes = self.take(length)?;
        if length > 8 {
            return Err(self.broken("a number above 2^63"));
        }
        let sign = bytes.last().map_or(0, |&byte| if byte > 0x7f { 0xff } else { 0 });
        let mut extended = [sign; 8];
        extended[..length].copy_from_slice(bytes);
        Ok(Object::Int(i64::from_le_bytes(extended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn containers_and_numbers_are_read() {
        // pickletools: {'a': (1, -2, 300, True), 'b': [None]} in protocol 2
        let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01(K\x01J\xfe\xff\xff\xffM,\x01\x88tq\x02X\x01\x00\x00\x00bq\x03]q\x04Nau.";
        let pickle = Pickle::read(bytes).unwrap();
        let Object::Dict(entries) = pickle.root() else {
            panic!("{pickle:?}")
        };
        let Object::Tuple(numbers) = pickle.get(entries[0].1) else {
            panic!("{pickle:?}")
        };
        let numbers: Vec<_> = numbers.iter().map(|&id| pickle.get(id)).collect();
        assert_eq!(
            numbers,
            [
                &Object::Int(1),
                &Object::Int(-2),
                &Object::Int(300),
                &Object::Bool(true)
            ]
        );
        assert!(matches!(pickle.get(entries[1].1), Object::List(items) if items.len() == 1));
    }

    #[test]
    fn a_pickle_that_would_run_a_command_is_refused() {
        // what `pickle.loads` would turn into os.system("echo")
        let bytes = b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00echoq\x01\x85q\x02Rq\x03.";
        let error = Pickle::read(bytes).unwrap_err();
        assert_eq!(error.to_string(), "a reference to `posix.system`");
        let by_stack = b"\x80\x04\x8c\x05posix\x8c\x06system\x93.";
        assert_eq!(Pickle::read(by_stack).unwrap_err(), error);
    }

    #[test]
    fn what_is_broken_is_said() {
        let error = |bytes: &[u8]| Pickle::read(bytes).unwrap_err().to_string();
        assert_eq!(error(b"\x80\x02X\xff\xff\xff\xffa"), "its pickle ends early");
        assert_eq!(error(b"\x80\x02("), "its pickle ends early");
        assert_eq!(error(b"\x80\x02i"), "an opcode 0x69 at byte 2 of its pickle");
        assert_eq!(
            error(b"\x80\x02Nh\x05."),
            "a pickle that is broken at byte 5: a value that was never remembered"
        );
        assert_eq!(
            error(b"\x80\x02(."),
            "a pickle that is broken at byte 4: an empty stack"
        );
    }

    #[test]
    fn numbers_of_any_width_keep_their_sign() {
        let number = |bytes: &[u8]| Pickle::read(bytes).unwrap().root().clone();
        assert_eq!(number(b"\x8a\x00."), Object::Int(0));
        assert_eq!(number(b"\x8a\x01\xff."), Object::Int(-1));
        assert_eq!(number(b"\x8a\x02\xff\x00."), Object::Int(255));
        assert_eq!(number(b"I-12\n."), Object::Int(-12));
    }

    /// Opcodes that occur in checkpoints, so that random programs get past their first byte.
    fn opcode() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::sample::select(b"N]})(teausl20QRbd\x85\x86\x87\x81\x88\x93\x94".to_vec())
                .prop_map(|byte| vec![byte]),
            any::<u8>().prop_map(|byte| vec![b'K', byte]),
            (0_u8..4).prop_map(|key| vec![b'q', key]),
            (0_u8..4).prop_map(|key| vec![b'h', key]),
            Just(b"ccollections\nOrderedDict\n".to_vec()),
            Just(b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec()),
            Just(b"ctorch\nFloatStorage\n".to_vec()),
            Just(b"X\x07\x00\x00\x00storage".to_vec()),
        ]
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Pickle::read(&bytes);
        }

        #[test]
        fn arbitrary_programs_never_panic_and_stay_small(
            program in prop::collection::vec(opcode(), 0..200)
        ) {
            let mut bytes = program.concat();
            bytes.push(b'.');
            if let Ok(pickle) = Pickle::read(&bytes) {
                prop_assert!(pickle.arena.len() <= bytes.len());
            }
        }
    }
}
