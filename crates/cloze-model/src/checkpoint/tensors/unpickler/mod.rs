//! A pickle reader that builds data and calls nothing.
//!
//! Python's own reader calls whatever function a pickle names. This one knows the opcodes that
//! `torch.save` writes (protocols 2 to 4), puts every value into one flat arena, and refuses any
//! name outside the short list in [`Global::named`]. Every opcode adds at most one value and
//! reads at most what is left of the input, so memory stays in proportion to the file.
//!
//! The opcodes are described in `Lib/pickletools.py` of the Python distribution.

mod input;
mod machine;
mod object;

use machine::Machine;
pub(crate) use object::{Global, Id, Object, UnpickleError};

/// The values of a pickle and which of them is the outermost.
#[derive(Debug)]
pub(crate) struct Pickle {
    arena: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// Reads a pickle. Nothing in it is executed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, UnpickleError> {
        let (arena, root) = Machine::new(bytes).run()?;
        Ok(Self { arena, root })
    }

    pub(crate) fn root(&self) -> &Object {
        &self.arena[self.root]
    }

    pub(crate) fn get(&self, id: Id) -> &Object {
        // Ids are only ever made by the machine, and the arena never shrinks.
        &self.arena[id]
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
        assert_eq!(
            error(b"\x80\x02X\xff\xff\xff\xffa"),
            "its pickle ends early"
        );
        assert_eq!(error(b"\x80\x02("), "its pickle ends early");
        assert_eq!(
            error(b"\x80\x02i"),
            "an opcode 0x69 at byte 2 of its pickle"
        );
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
