/// How the numbers of a tensor are stored in a file. cloze computes in `f32`; the other
/// floating-point types are converted while they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredType {
    /// IEEE double precision.
    F64,
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a single-precision number.
    BF16,
    /// Anything that cannot be a weight: integers, truth values, quantized and complex numbers.
    Other {
        /// The type's name in a safetensors file.
        name: &'static str,
        /// Size of one number in bits.
        bits: usize,
    },
}

/// Every type of safetensors 0.8 that is no ordinary floating-point type, and its bits.
const OTHERS: [(&str, usize); 18] = [
    ("BOOL", 8),
    ("U8", 8),
    ("I8", 8),
    ("U16", 16),
    ("I16", 16),
    ("U32", 32),
    ("I32", 32),
    ("U64", 64),
    ("I64", 64),
    ("C64", 64),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2FNUZ", 8),
];

impl StoredType {
    /// The type that a safetensors header names.
    pub fn from_safetensors(name: &str) -> Option<Self> {
        Some(match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::BF16,
            _ => {
                let &(name, bits) = OTHERS.iter().find(|(other, _)| *other == name)?;
                Self::Other { name, bits }
            }
        })
    }

    /// The type of torch's storage class `torch.<name>Storage`.
    pub fn from_torch(name: &str) -> Option<Self> {
        Self::from_safetensors(match name {
            "Double" => "F64",
            "Float" => "F32",
            "Half" => "F16",
            "BFloat16" => "BF16",
            "Long" => "I64",
            "Int" => "I32",
            "Short" => "I16",
            "Char" => "I8",
            "Byte" => "U8",
            "Bool" => "BOOL",
            _ => return None,
        })
    }

    /// The type's name in a safetensors file.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Other { name, .. } => name,
        }
    }

    /// Size of one number in bits.
    pub fn bits(self) -> usize {
        match self {
            Self::F64 => 64,
            Self::F32 => 32,
            Self::F16 | Self::BF16 => 16,
            Self::Other { bits, .. } => bits,
        }
    }

    /// The type's name in torch, for `dtype` in a `config.json`.
    pub fn torch_name(self) -> Option<&'static str> {
        match self {
            Self::F64 => Some("float64"),
            Self::F32 => Some("float32"),
            Self::F16 => Some("float16"),
            Self::BF16 => Some("bfloat16"),
            Self::Other { .. } => None,
        }
    }

    /// Whether a finite number stays one in this type.
    pub(crate) fn holds(self, value: f32) -> bool {
        !value.is_finite()
            || match self {
                Self::F64 | Self::F32 => true,
                Self::F16 => half::f16::from_f32(value).is_finite(),
                Self::BF16 => half::bf16::from_f32(value).is_finite(),
                Self::Other { .. } => false,
            }
    }

    /// Numbers one after the other, as a file has them.
    ///
    /// # Panics
    /// If this is no floating-point type.
    pub(crate) fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::F64 => bytes(values, |value| f64::from(value).to_le_bytes()),
            Self::F32 => bytes(values, f32::to_le_bytes),
            Self::F16 => bytes(values, |value| half::f16::from_f32(value).to_le_bytes()),
            Self::BF16 => bytes(values, |value| half::bf16::from_f32(value).to_le_bytes()),
            Self::Other { name, .. } => panic!("weights are never written as {name}"),
        }
    }

    /// Numbers that lie one after the other, as `f32`; nothing for types that are no weights.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Vec<f32>> {
        Some(match self {
            Self::F64 => numbers(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::F32 => numbers(bytes, f32::from_le_bytes),
            Self::F16 => numbers(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            Self::BF16 => numbers(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            Self::Other { .. } => return None,
        })
    }
}

fn bytes<const N: usize>(values: &[f32], number: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| number(value)).collect()
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| number(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_floating_point_type_becomes_f32() {
        let decode = |name, bytes: &[u8]| {
            let stored = StoredType::from_safetensors(name).unwrap();
            assert_eq!(stored.name(), name);
            stored.decode(bytes).unwrap()
        };
        assert_eq!(decode("F32", &1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(decode("F64", &(-0.25_f64).to_le_bytes()), [-0.25]);
        assert_eq!(decode("F16", &[0x00, 0x3c, 0x00, 0xc0]), [1.0, -2.0]);
        assert_eq!(decode("BF16", &[0x80, 0x3f, 0x00, 0xc0]), [1.0, -2.0]);
    }

    #[test]
    fn integers_are_known_but_are_no_weights() {
        let long = StoredType::from_torch("Long").unwrap();
        assert_eq!((long.name(), long.bits()), ("I64", 64));
        assert_eq!(long.decode(&[0; 8]), None);
        assert_eq!(StoredType::from_safetensors("F5"), None);
        assert_eq!(StoredType::from_torch("Untyped"), None);
    }
}
