use std::collections::HashMap;

use super::input::Input;
use super::object::{Global, Id, Object, UnpickleError};

/// Runs the opcodes of a pickle.
pub(super) struct Machine<'a> {
    input: Input<'a>,
    arena: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Input::new(bytes),
            arena: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        }
    }

    /// Runs to the end: all values, and the outermost.
    pub(super) fn run(mut self) -> Result<(Vec<Object>, Id), UnpickleError> {
        loop {
            let at = self.input.at();
            let opcode = self.input.byte()?;
            if opcode == b'.' {
                let root = self.pop()?;
                return Ok((self.arena, root));
            }
            if !self.step(opcode)? {
                return Err(UnpickleError::Opcode { opcode, at });
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Result<bool, UnpickleError> {
        Ok(self.constant(opcode)? || self.container(opcode)? || self.machinery(opcode)?)
    }

    /// Opcodes that push a number, a text or the like.
    fn constant(&mut self, opcode: u8) -> Result<bool, UnpickleError> {
        let object = match opcode {
            b'N' => Object::None,
            0x88 => Object::Bool(true),
            0x89 => Object::Bool(false),
            b'K' => Object::Int(i64::from(self.input.byte()?)),
            b'M' => Object::Int(i64::from(u16::from_le_bytes(self.input.array()?))),
            b'J' => Object::Int(i64::from(i32::from_le_bytes(self.input.array()?))),
            0x8a => {
                let length = usize::from(self.input.byte()?);
                self.input.long(length)?
            }
            0x8b => {
                let length = self.input.length4()?;
                self.input.long(length)?
            }
            b'I' => self.input.decimal()?,
            b'G' => {
                self.input.array::<8>()?;
                Object::Float
            }
            b'X' | b'T' => {
                let length = self.input.length4()?;
                self.input.text(length)?
            }
            0x8c | b'U' => {
                let length = usize::from(self.input.byte()?);
                self.input.text(length)?
            }
            0x8d => {
                let length = self.input.length8()?;
                self.input.text(length)?
            }
            b'C' | b'B' | 0x8e => {
                let length = match opcode {
                    b'C' => usize::from(self.input.byte()?),
                    b'B' => self.input.length4()?,
                    _ => self.input.length8()?,
                };
                self.input.take(length)?;
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
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.take(8)?),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'q' => {
                let key = u32::from(self.input.byte()?);
                self.remember(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.input.array()?);
                self.remember(key)?;
            }
            0x94 => {
                let key =
                    u32::try_from(self.memo.len()).map_err(|_| self.input.broken("its memo"))?;
                self.remember(key)?;
            }
            b'h' => {
                let key = u32::from(self.input.byte()?);
                self.recall(key)?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.input.array()?);
                self.recall(key)?;
            }
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
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
            return Err(self.input.broken("a call of something that has no name"));
        };
        let Object::Tuple(items) = &self.arena[arguments] else {
            return Err(self.input.broken("a call without a tuple of arguments"));
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
            return Err(self
                .input
                .broken("a dictionary of something else than pairs"));
        };
        let items = std::mem::take(items);
        let pair = |&id: &Id| match &self.arena[id] {
            Object::Tuple(items) | Object::List(items) if items.len() == 2 => {
                Ok((items[0], items[1]))
            }
            _ => Err(self.input.broken("a dictionary entry that is no pair")),
        };
        items.iter().map(pair).collect()
    }

    fn global_from_stack(&mut self) -> Result<(), UnpickleError> {
        let names = self.pop_many(2)?;
        let (Object::Text(module), Object::Text(name)) =
            (&self.arena[names[0]], &self.arena[names[1]])
        else {
            return Err(self.input.broken("a name that is no text"));
        };
        let global = Global::named(module, name)?;
        self.push(Object::Global(global));
        Ok(())
    }

    fn append(&mut self, new: Vec<Id>) -> Result<(), UnpickleError> {
        let list = self.top()?;
        match &mut self.arena[list] {
            Object::List(items) => items.extend(new),
            _ => return Err(self.input.broken("an item for something that is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, new: Vec<Id>) -> Result<(), UnpickleError> {
        let pairs = self.pairs(new)?;
        let dict = self.top()?;
        match &mut self.arena[dict] {
            Object::Dict(items) => items.extend(pairs),
            _ => {
                return Err(self
                    .input
                    .broken("an entry for something that is no dictionary"));
            }
        }
        Ok(())
    }

    fn pairs(&self, items: Vec<Id>) -> Result<Vec<(Id, Id)>, UnpickleError> {
        if items.len() % 2 == 1 {
            return Err(self.input.broken("a key without a value"));
        }
        Ok(items
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect())
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
        top.copied()
            .ok_or_else(|| self.input.broken("an empty stack"))
    }

    fn pop(&mut self) -> Result<Id, UnpickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, UnpickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() < floor + count {
            return Err(self.input.broken("an empty stack"));
        }
        Ok(self.stack.split_off(self.stack.len() - count))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, UnpickleError> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| self.input.broken("no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn remember(&mut self, key: u32) -> Result<(), UnpickleError> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), UnpickleError> {
        let id = self.memo.get(&key).copied();
        let id = id.ok_or_else(|| self.input.broken("a value that was never remembered"))?;
        self.stack.push(id);
        Ok(())
    }
}
