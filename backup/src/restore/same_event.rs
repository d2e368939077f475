//! When events of two day files are the same: an event is known by its id, its control and its time. The queries need
//! [`crate::store::unite::matches`] of the two.

const TIME_OF_A: &str = "coalesce(a.at, a.id >> 12)";
const TIME_OF_B: &str = "coalesce(b.at, b.id >> 12)";

/// Gives the wanted columns of the changes `a` that only one file has.
pub(super) fn only_in(columns: &str, here: &str, there: &str) -> String {
    format!(
        "SELECT {columns} FROM {here}.changes a LEFT JOIN {there}.changes b ON b.id = a.id
         LEFT JOIN temp.matches s ON s.{there} = b.series
         WHERE b.id IS NULL OR s.{here} IS NOT a.series OR {TIME_OF_A} <> {TIME_OF_B}"
    )
}

/// Gives the wanted columns of the changes `a` that both files have, with other content.
pub(super) fn altered(columns: &str, here: &str, there: &str) -> String {
    format!(
        "SELECT {columns} FROM {here}.changes a JOIN {there}.changes b ON b.id = a.id
         JOIN temp.matches s ON s.{there} = b.series AND s.{here} = a.series
         WHERE {TIME_OF_A} = {TIME_OF_B}
           AND NOT (a.value IS b.value AND a.string IS b.string AND a.position IS b.position AND s.alike)
           AND NOT EXISTS (SELECT 1 FROM {here}.events n JOIN {there}.events l USING (id)
                           WHERE n.id = a.id AND n.value IS l.value AND n.kind IS l.kind
                             AND n.string_value IS l.string_value AND n.position IS l.position)"
    )
}
