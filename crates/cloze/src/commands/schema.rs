use cloze_train::json_schema;

use crate::terminal::Results;

/// `cloze schema`
pub(crate) fn run() -> anyhow::Result<()> {
    let mut results = Results::stdout();
    results.line(format_args!("{:#}", json_schema()))?;
    results.flush()
}
