//! Where a character, as a reader sees it, can end.

/// Joins the parts of an emoji.
const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Whether a text that follows another one changes the last character of it: a combining mark, a
/// variation, a skin tone, the second half of a flag, or what a joiner joins.
///
/// These are the cases of Unicode's grapheme clusters (UAX #29) that letters, signs and emoji come
/// to; the syllables of Indic scripts and Korean letters by themselves are left alone.
pub(super) fn goes_on(text: &str, next: &str) -> bool {
    let (Some(last), Some(first)) = (text.chars().next_back(), next.chars().next()) else {
        return false;
    };
    let half_a_flag =
        is_regional(first) && text.chars().rev().take_while(|&c| is_regional(c)).count() % 2 == 1;
    last == ZERO_WIDTH_JOINER || extends(first) || half_a_flag
}

fn extends(character: char) -> bool {
    matches!(character,
        '\u{0300}'..='\u{036F}'
        | '\u{0483}'..='\u{0489}'
        | '\u{0591}'..='\u{05BD}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0E31}'
        | '\u{0E34}'..='\u{0E3A}'
        | '\u{0E47}'..='\u{0E4E}'
        | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}'
        | ZERO_WIDTH_JOINER
        | '\u{20D0}'..='\u{20FF}'
        | '\u{302A}'..='\u{302D}'
        | '\u{3099}' | '\u{309A}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FE20}'..='\u{FE2F}'
        | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0020}'..='\u{E007F}'
        | '\u{E0100}'..='\u{E01EF}')
}

/// Two of them are a flag.
fn is_regional(character: char) -> bool {
    matches!(character, '\u{1F1E6}'..='\u{1F1FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tones_flags_and_joiners_go_on_with_a_character() {
        assert!(goes_on("e", "\u{301}"));
        assert!(goes_on("👍", "🏽"));
        assert!(goes_on("❤", "\u{FE0F}"));
        assert!(goes_on("👩", "\u{200D}"));
        assert!(goes_on("👩\u{200D}", "🚀"));
        assert!(goes_on("🇨", "🇳"));
        assert!(!goes_on("🇨🇳", "🇫"));
        assert!(!goes_on("e", "f"));
        assert!(!goes_on("中", "国"));
        assert!(!goes_on("", "\u{301}"));
        assert!(!goes_on("e", ""));
    }
}
