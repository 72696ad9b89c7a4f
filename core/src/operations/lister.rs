//! Lists the objects of one kind: Tables in, a ranked and filtered table out.

use std::borrow::Cow;

use super::{
    allowed::refused,
    names::check_namespace,
    next::{look_into_first, wider},
    scan::{Scan, namespace_of},
    selection::Selection,
    status_filter::StatusFilter,
};
use crate::{
    Error,
    call::{Cx, Page},
    cluster::{Cell, Include, ListQuery, Resource, TableColumn, TableRow, TableView},
    monitoring::status::{CellRule, Verdict},
    output::{
        Column, Next, ObjectId, Role, Row, Scope, Table,
        filter::{Collector, Place, RowFilter},
        size::{parse_age, short_age},
    },
};

/// A list of one kind.
pub(super) struct Lister<'a> {
    pub(super) cx: &'a Cx,
    /// The same list, to be suggested for another namespace.
    pub(super) again: Next,
    pub(super) resource: &'a Resource,
    /// All of them if none; not looked at for a cluster-scoped kind.
    pub(super) namespace: Option<&'a str>,
    pub(super) selection: Selection,
    pub(super) page: &'a Page,
    /// Only rows of this status: a status word, a word of health, or `unhealthy`.
    pub(super) status: Option<&'a str>,
    /// What is listed, as the heading says it.
    pub(super) subject: String,
}

/// A row as it comes, before it is known whether it will be shown.
pub(super) struct Seen<'s> {
    pub(super) namespace: Option<&'s str>,
    pub(super) columns: &'s [TableColumn<'s>],
    pub(super) cells: &'s [Cell<'s>],
    pub(super) verdict: &'s Verdict<'s>,
}

/// What the columns of a kind's Table come to, found out once.
struct Shape {
    rule: CellRule,
    /// The cell that holds the name, whether it is shown or not.
    name: usize,
    columns: Vec<Column>,
}

impl Lister<'_> {
    /// The table. `each` sees every row of the wanted status.
    pub(super) async fn table(self, mut each: impl FnMut(&Seen<'_>) + Send) -> Result<Table, Error> {
        let namespace = self.namespace.filter(|_| self.resource.namespaced);
        let with_namespaces = namespace.is_none() && self.resource.namespaced;
        let identity = format!(
            "{} {} {:?} {}",
            self.resource.qualified(),
            namespace.unwrap_or("*"),
            self.selection,
            self.status.unwrap_or_default()
        );
        // A filter is read against the columns, and says whether cells are enough to evaluate it.
        let filter = if self.page.filter.is_some() || self.page.sort.is_some() || self.page.fields.is_some() {
            Some(
                self.page
                    .row_filter(&self.columns(namespace, with_namespaces).await?)?,
            )
        } else {
            None
        };
        let objects = filter.as_ref().is_some_and(RowFilter::needs_object);
        let mut filter = filter;
        let mut state: Option<(Shape, Collector)> = None;
        let mut status = StatusFilter::new(self.status);
        let scan = Scan {
            cx: self.cx,
            resource: self.resource,
            namespace,
            query: self.selection.query(),
            objects,
        };
        let scanned = scan
            .run(|place, table| {
                let (shape, collector) = match &mut state {
                    Some(state) => state,
                    None => {
                        let shape = Shape::new(self.resource, &table, with_namespaces);
                        let filter = match filter.take() {
                            Some(filter) => filter,
                            None => self.page.row_filter(&shape.columns)?,
                        };
                        let collector = Collector::new(filter, &self.page.query(&identity))?
                            .redacting(&self.cx.call().redactor);
                        state.insert((shape, collector))
                    }
                };
                let mut table = table;
                if objects {
                    // A filter must see no more than the caller will.
                    let redactor = self.cx.redactor();
                    let read = table.rows.iter().filter_map(|row| row.object.as_ref());
                    read.for_each(|object| redactor.observe(object));
                    let read = table.rows.iter_mut().filter_map(|row| row.object.as_mut());
                    read.for_each(|object| redactor.object(object));
                }
                for row in &table.rows {
                    let namespace = place.or_else(|| namespace_of(row));
                    let verdict = shape.rule.judge(&row.cells);
                    if !status.takes(&verdict) {
                        continue;
                    }
                    each(&Seen {
                        namespace,
                        columns: &table.columns,
                        cells: &row.cells,
                        verdict: &verdict,
                    });
                    shape.push(self.resource, namespace, row, &verdict, collector, objects);
                }
                Ok(())
            })
            .await;
        let scanned = match scanned {
            Ok(scanned) => scanned,
            Err(error) => {
                let error = self.explained(error);
                return Err(refused(self.cx, self.resource, namespace, self.again, error).await);
            }
        };
        let table = Table {
            subject: self.subject.clone(),
            scope: match namespace {
                Some(namespace) => Scope::Namespace(namespace.to_owned()),
                None if self.resource.namespaced => Scope::AllNamespaces,
                None => Scope::Cluster,
            },
            complete: scanned.complete,
            notes: scanned.notes,
            ..Table::default()
        };
        let mut table = match state {
            Some((_, collector)) => collector.finish(table),
            None => table,
        };
        status.tell(&mut table);
        if objects && self.resource.qualified() == "secrets" && table.filter.is_some() {
            table
                .notes
                .push("values of Secrets are hidden, from where as well".to_owned());
        }
        if table.total == 0 && table.unfiltered.unwrap_or(0) == 0 {
            check_namespace(self.cx, namespace, self.again.clone()).await?;
            table.next.extend(wider(
                self.again,
                namespace,
                self.selection != Selection::default(),
            ));
        }
        table.next.extend(look_into_first(&table));
        Ok(table)
    }

    /// A field selector knows few fields, other ones for each kind, and no order; a filter knows all.
    fn explained(&self, error: Error) -> Error {
        let Some(fields) = &self.selection.fields else {
            return error;
        };
        // Of pods, of other kinds, and of what is no field selector at all.
        let told = [
            "field label not supported",
            "not a known field selector",
            "can't understand",
        ];
        if !told.into_iter().any(|told| error.message.contains(told)) {
            return error;
        }
        let conditions = [Some(fields), self.page.filter.as_ref()];
        let conditions: Vec<&str> = conditions.into_iter().flatten().map(String::as_str).collect();
        let again = self.again.clone().arg_if("namespace", self.namespace);
        error.next(
            again
                .arg_if("selector", self.selection.labels.as_deref())
                .arg("where", conditions.join(",")),
        )
    }

    /// The columns of the kind's Table, asked for with as little else as possible.
    async fn columns(&self, namespace: Option<&str>, with_namespaces: bool) -> Result<Vec<Column>, Error> {
        let query = ListQuery {
            page_size: Some(1),
            ..self.selection.query()
        };
        let client = self.cx.client();
        let read = client.table(self.resource, namespace, &query, Include::None);
        let bytes = read.await.map_err(|error| self.explained(error))?;
        let table = TableView::read(&bytes)?;
        Ok(Shape::new(self.resource, &table, with_namespaces).columns)
    }
}

impl Shape {
    fn new(resource: &Resource, table: &TableView<'_>, with_namespaces: bool) -> Self {
        let columns = &table.columns;
        let name = table.name_column();
        let rule = CellRule::new(&resource.group, &resource.kind, columns);
        let namespace = with_namespaces.then(|| Column::new("NAMESPACE", Role::Namespace));
        let own = columns.iter().enumerate().map(|(index, column)| {
            let role = if index == name {
                Role::Name
            } else if rule.status_column() == Some(index) {
                Role::Status
            } else if rule.ready_column() == Some(index) {
                Role::Ready
            } else if rule.age_column() == Some(index) {
                Role::Age
            } else if matches!(&*column.kind, "integer" | "number") || column.name == "Restarts" {
                Role::Number
            } else {
                Role::Text
            };
            Column {
                hidden: column.priority != 0,
                ..Column::new(column.name.to_uppercase(), role)
            }
        });
        let columns = namespace.into_iter().chain(own).collect();
        Self { rule, name, columns }
    }

    fn push(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        row: &TableRow<'_>,
        verdict: &Verdict<'_>,
        collector: &mut Collector,
        objects: bool,
    ) {
        let name = row.cells.get(self.name).map(cell_text).unwrap_or_default();
        let build = || self.row(resource, namespace, &name, row, verdict);
        if objects {
            let object = row.object.as_ref();
            collector.push(build(), verdict.severity, object);
            return;
        }
        let place = Place {
            health: verdict.health,
            severity: verdict.severity,
            status: &verdict.word,
            kind: &resource.kind,
            namespace: namespace.unwrap_or_default(),
            name: &name,
        };
        collector.push_with(&place, build);
    }

    fn row(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        row: &TableRow<'_>,
        verdict: &Verdict<'_>,
    ) -> Row {
        let with_namespace = self
            .columns
            .first()
            .is_some_and(|column| column.role == Role::Namespace);
        let namespace_cell = with_namespace.then(|| namespace.unwrap_or_default().to_owned());
        let own = row.cells.iter().enumerate().map(|(index, cell)| {
            let text = cell_text(cell);
            if self.rule.age_column() == Some(index) {
                return parse_age(&text).map_or_else(|| text.clone().into_owned(), short_age);
            }
            shortened(&text)
        });
        Row {
            id: ObjectId {
                cluster: None,
                kind: resource.kind.clone(),
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            },
            health: verdict.health,
            status: verdict.word.clone().into_owned(),
            ready: verdict.ready,
            age: self.rule.age(&row.cells),
            cells: namespace_cell.into_iter().chain(own).collect(),
        }
    }
}

/// A cell as text.
pub(super) fn cell_text<'a>(cell: &'a Cell<'_>) -> Cow<'a, str> {
    match cell {
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Null => Cow::Borrowed(""),
        Cell::Other(value) => Cow::Owned(crate::output::filter::text_of(value)),
    }
}

/// A cell without what costs tokens and says nothing: placeholders, and when a restart was.
fn shortened(text: &str) -> String {
    match text {
        "<none>" | "<unset>" => String::new(),
        text => match text.split_once(" (") {
            // `14 (3m ago)`
            Some((count, ago)) if ago.ends_with(" ago)") => count.to_owned(),
            _ => text.to_owned(),
        },
    }
}
