//! Rows as they travel: the views give the columns of the domain, in its order and types, and JSON that its types read.

use crate::fill::{OPERATION, TASK, TECHNICIAN, id};
use crate::support::centre;
use noctule_domain::lifecycle::{OperationOptions, Progress, StepKind, StepRow, StepStatus};
use noctule_domain::sync::TABLES;
use noctule_domain::{SafeText, TaskId};

#[tokio::test]
async fn the_views_are_the_columns_of_the_domain() {
    let centre = centre().await;
    for table in TABLES {
        let told = centre.sql(&format!(
            "SELECT column_name || ' ' || udt_name FROM information_schema.columns WHERE table_schema = 'noctule' AND table_name = 'wire_{table}'
             ORDER BY ordinal_position"
        ));
        let mut wanted = vec!["tenant_id uuid".to_owned()];
        wanted.extend(table.columns().iter().map(|column| format!("{} {}", column.name, column.kind)));
        assert_eq!(told.lines().collect::<Vec<_>>(), wanted, "wire_{table}");
        // In the number of the feed's trigger too.
        let tab = centre.sql(&format!(
            "SELECT DISTINCT encode(tgargs, 'escape') FROM pg_trigger WHERE tgrelid = 'noctule.{table}'::regclass AND tgname LIKE 'feed_%ed'
                AND tgnargs = 1"
        ));
        assert_eq!(tab.trim_end_matches("\\000"), table.number().to_string(), "{table}");
    }
}

#[tokio::test]
async fn json_in_a_row_is_what_the_domain_reads() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    let value = |table: &str, column: &str, id: uuid::Uuid| {
        centre.sql(&format!("SELECT {column} FROM noctule.wire_{table} WHERE tenant_id = '{}' AND id = '{id}'", filled.tenant))
    };
    let operation = id(filled.tenant, OPERATION, 1);
    let steps: Vec<StepRow> = serde_json::from_str(&value("operations", "steps", operation)).expect("steps");
    assert_eq!(steps.len(), 2);
    assert_eq!((steps[0].step, steps[0].attempt, steps[0].status), (StepKind::NasCoa, 2, StepStatus::Done));
    assert_eq!((steps[0].request.as_str(), steps[0].answer.as_ref().map(SafeText::as_str)), ("CoA \"x\"", Some("ACK")));
    assert!(steps[0].ended_at.is_some() && steps[1].ended_at.is_none());
    let exact = centre.sql("SELECT (extract(epoch FROM started_at) * 1000000)::bigint FROM noctule.operation_steps WHERE seq = 1");
    assert_eq!(steps[0].started_at.timestamp_micros().to_string(), exact);
    let options: OperationOptions = serde_json::from_str(&value("operations", "options", operation)).expect("options");
    assert_eq!(options.reason, Some("late".into()));
    let plan: Vec<StepKind> = serde_json::from_str(&value("operations", "plan", operation)).expect("plan");
    assert_eq!(plan, [StepKind::NasCoa]);
    let progress: Progress = serde_json::from_str(&value("operations", "progress", operation)).expect("progress");
    assert_eq!(progress, Progress::default());
    let depends: Vec<TaskId> = serde_json::from_str(&value("tasks", "depends_on", id(filled.tenant, TASK, 3))).expect("tasks");
    assert_eq!(depends.len(), 1);
    assert_eq!(value("tasks", "depends_on", id(filled.tenant, TASK, 1)), "[]");
    let skills: Vec<String> = serde_json::from_str(&value("technicians", "skills", id(filled.tenant, TECHNICIAN, 1))).expect("skills");
    assert_eq!(skills, ["splicing", "CPE \"x\""]);
    // No steps yet is an empty list, not null.
    centre.sql("SET ROLE noctule_owner; RESET ROLE; DELETE FROM noctule.operation_steps");
    assert_eq!(value("operations", "steps", operation), "[]");
}

#[tokio::test]
async fn a_poll_gives_a_row_as_a_copy_does() {
    let centre = centre().await;
    let filled = centre.fill("North").await;
    for table in TABLES {
        let columns = table.columns().iter().map(|column| format!("w.{}", column.name)).collect::<Vec<_>>().join(", ");
        let told = centre.sql(&format!(
            "SET noctule.tenant = '{}'; SELECT count(*), count(*) FILTER (WHERE noctule.wire_row({}::smallint, w.id) = record_send(ROW({columns})))
             FROM noctule.wire_{table} AS w WHERE w.tenant_id = '{}'",
            filled.tenant,
            table.number(),
            filled.tenant
        ));
        let (all, same) = told.lines().last().unwrap().split_once('|').unwrap();
        assert!(all == same && all != "0", "{table}: {told}");
    }
}
