//! Templates as syntax trees of our own.
//!
//! This is the only file that uses `minijinja::machinery`, an interface without promises, which is why the version
//! of minijinja is exact: when it changes, this file does, and the checks do not.

use std::ops::Range;

use minijinja::{
    machinery::{Span, ast, parse, parse_expr},
    syntax::SyntaxConfig,
};

/// A mistake of syntax: what, and where in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) at: Range<usize>,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) at: Range<usize>,
}

/// A statement.
#[derive(Debug)]
pub(crate) enum Statement {
    Text {
        blank: bool,
    },
    Emit(Expr),
    For {
        targets: Vec<String>,
        iter: Expr,
        filter: Option<Expr>,
        body: Vec<Self>,
        otherwise: Vec<Self>,
    },
    If {
        test: Expr,
        then: Vec<Self>,
        otherwise: Vec<Self>,
    },
    With {
        assignments: Vec<(Vec<String>, Expr)>,
        body: Vec<Self>,
    },
    Set {
        targets: Vec<String>,
        value: Expr,
    },
    SetBlock {
        targets: Vec<String>,
        filter: Option<Expr>,
        body: Vec<Self>,
    },
    Filtered {
        filter: Expr,
        body: Vec<Self>,
    },
    Scoped {
        expr: Option<Expr>,
        body: Vec<Self>,
    },
    Include {
        name: Expr,
        ignore_missing: bool,
    },
    Import {
        name: Expr,
        alias: Option<String>,
    },
    FromImport {
        name: Expr,
        names: Vec<(Name, String)>,
    },
    Macro {
        name: String,
        args: Vec<String>,
        defaults: Vec<Expr>,
        body: Vec<Self>,
    },
    Do(Expr),
}

/// An expression and where it stands.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    pub(crate) at: Range<usize>,
}

/// What an expression can be.
#[derive(Debug)]
pub(crate) enum Kind {
    Var(String),
    Str(String),
    Number,
    Const,
    Attr(Box<Expr>, Name),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Vec<Expr>),
    Filter {
        name: Name,
        subject: Option<Box<Expr>>,
        args: Vec<Arg>,
    },
    Test {
        name: Name,
        subject: Box<Expr>,
        args: Vec<Arg>,
    },
    Call {
        callee: Box<Expr>,
        args: Vec<Arg>,
    },
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IfElse {
        test: Box<Expr>,
        yes: Box<Expr>,
        no: Option<Box<Expr>>,
    },
    /// Comparisons; `equal` if what is absent makes it false.
    Compare {
        operands: Vec<Expr>,
        equal: bool,
    },
    /// Sums and the like: what is absent is an error in them.
    Arithmetic(Vec<Expr>),
    List(Vec<Expr>),
    Map(Vec<Expr>),
}

/// An argument.
#[derive(Debug)]
pub(crate) struct Arg {
    pub(crate) name: Option<Name>,
    pub(crate) value: Expr,
}

/// The longest expression or tag that is read, in bytes, and how many `elif` a template may have. The parser bounds how
/// deep brackets and blocks nest, but not how many operators, filters, fields or alternatives follow each other, and
/// each of them is a level of the stack.
const LONGEST: usize = 1_000;
const ALTERNATIVES: usize = 50;

/// Whether the tags of a template can be parsed without exhausting the stack.
fn bounded(source: &str) -> Result<(), SyntaxError> {
    let mut at = 0;
    while let Some(start) = source[at..]
        .find("{{")
        .into_iter()
        .chain(source[at..].find("{%"))
        .min()
    {
        let tag = &source[at + start..];
        let end = tag
            .find("}}")
            .into_iter()
            .chain(tag.find("%}"))
            .min()
            .unwrap_or(tag.len());
        short_enough(tag, at + start..at + start + end)?;
        at += start + end;
    }
    match source.match_indices("elif").nth(ALTERNATIVES) {
        Some((at, elif)) => Err(SyntaxError {
            message: format!("more than {ALTERNATIVES} alternatives"),
            at: at..at + elif.len(),
        }),
        None => Ok(()),
    }
}

fn short_enough(expression: &str, at: Range<usize>) -> Result<(), SyntaxError> {
    if at.len() <= LONGEST {
        return Ok(());
    }
    let word = expression.chars().take(2).map(char::len_utf8).sum::<usize>();
    Err(SyntaxError {
        message: format!("more than {LONGEST} bytes in one expression"),
        at: at.start..at.start + word,
    })
}

/// Parses a template.
pub(crate) fn statements(source: &str) -> Result<Vec<Statement>, SyntaxError> {
    bounded(source)?;
    let lower = Lower { source };
    match parse(source, "template", SyntaxConfig::default()) {
        Ok(ast::Stmt::Template(template)) => Ok(lower.body(&template.children)),
        Ok(other) => Ok(lower.statement(&other).into_iter().collect()),
        Err(error) => Err(syntax_error(&error, source)),
    }
}

/// Parses an expression.
pub(crate) fn expression(source: &str) -> Result<Expr, SyntaxError> {
    short_enough(source, 0..source.len())?;
    parse_expr(source)
        .map(|expr| Lower { source }.expr(&expr))
        .map_err(|error| syntax_error(&error, source))
}

fn syntax_error(error: &minijinja::Error, source: &str) -> SyntaxError {
    let at = error.range().unwrap_or(0..0);
    let start = floor(source, at.start);
    let end = floor(source, at.end).max(start);
    SyntaxError {
        message: error.detail().unwrap_or("syntax error").to_owned(),
        at: start..end,
    }
}

fn floor(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Turns minijinja's tree into ours.
struct Lower<'a> {
    source: &'a str,
}

impl Lower<'_> {
    fn range(&self, span: Span) -> Range<usize> {
        let start = floor(self.source, span.start_offset as usize);
        start..floor(self.source, span.end_offset as usize).max(start)
    }

    /// Where a word stands within a range: the machinery gives the span of the whole, not of the name.
    fn word(&self, word: &str, within: Range<usize>, last: bool) -> Range<usize> {
        let text = self.source.get(within.clone()).unwrap_or_default();
        let boundary = |at: usize| {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
        };
        let mut hits = text
            .match_indices(word)
            .map(|(at, _)| at)
            .filter(|at| boundary(*at));
        match if last { hits.last() } else { hits.next() } {
            Some(at) => within.start + at..within.start + at + word.len(),
            None => within,
        }
    }

    fn body(&self, statements: &[ast::Stmt<'_>]) -> Vec<Statement> {
        statements
            .iter()
            .filter_map(|statement| self.statement(statement))
            .collect()
    }

    fn statement(&self, statement: &ast::Stmt<'_>) -> Option<Statement> {
        Some(match statement {
            ast::Stmt::Template(template) => Statement::Scoped {
                expr: None,
                body: self.body(&template.children),
            },
            ast::Stmt::EmitExpr(emit) => Statement::Emit(self.expr(&emit.expr)),
            ast::Stmt::EmitRaw(raw) => Statement::Text {
                blank: raw.raw.trim().is_empty(),
            },
            ast::Stmt::ForLoop(each) => Statement::For {
                targets: targets(&each.target),
                iter: self.expr(&each.iter),
                filter: each.filter_expr.as_ref().map(|filter| self.expr(filter)),
                body: self.body(&each.body),
                otherwise: self.body(&each.else_body),
            },
            ast::Stmt::IfCond(cond) => Statement::If {
                test: self.expr(&cond.expr),
                then: self.body(&cond.true_body),
                otherwise: self.body(&cond.false_body),
            },
            ast::Stmt::WithBlock(with) => Statement::With {
                assignments: with
                    .assignments
                    .iter()
                    .map(|(to, value)| (targets(to), self.expr(value)))
                    .collect(),
                body: self.body(&with.body),
            },
            ast::Stmt::Set(set) => Statement::Set {
                targets: targets(&set.target),
                value: self.expr(&set.expr),
            },
            ast::Stmt::SetBlock(set) => Statement::SetBlock {
                targets: targets(&set.target),
                filter: set.filter.as_ref().map(|filter| self.expr(filter)),
                body: self.body(&set.body),
            },
            ast::Stmt::AutoEscape(escape) => Statement::Scoped {
                expr: Some(self.expr(&escape.enabled)),
                body: self.body(&escape.body),
            },
            ast::Stmt::FilterBlock(block) => Statement::Filtered {
                filter: self.expr(&block.filter),
                body: self.body(&block.body),
            },
            ast::Stmt::Block(block) => Statement::Scoped {
                expr: None,
                body: self.body(&block.body),
            },
            ast::Stmt::Extends(extends) => Statement::Include {
                name: self.expr(&extends.name),
                ignore_missing: false,
            },
            ast::Stmt::Include(include) => Statement::Include {
                name: self.expr(&include.name),
                ignore_missing: include.ignore_missing,
            },
            ast::Stmt::Import(import) => Statement::Import {
                name: self.expr(&import.expr),
                alias: targets(&import.name).pop(),
            },
            ast::Stmt::FromImport(import) => Statement::FromImport {
                name: self.expr(&import.expr),
                names: import
                    .names
                    .iter()
                    .filter_map(|(name, alias)| self.imported(name, alias.as_ref()))
                    .collect(),
            },
            ast::Stmt::Macro(macro_) => self.macro_(macro_),
            ast::Stmt::CallBlock(block) => Statement::Scoped {
                expr: Some(self.call(&block.call, self.range(block.call.span()))),
                body: vec![self.macro_(&block.macro_decl)],
            },
            ast::Stmt::Do(done) => Statement::Do(self.call(&done.call, self.range(done.call.span()))),
        })
    }

    fn imported(&self, name: &ast::Expr<'_>, alias: Option<&ast::Expr<'_>>) -> Option<(Name, String)> {
        let text = targets(name).pop()?;
        let local = alias
            .and_then(|alias| targets(alias).pop())
            .unwrap_or_else(|| text.clone());
        Some((
            Name {
                text,
                at: self.range(name.span()),
            },
            local,
        ))
    }

    fn macro_(&self, macro_: &ast::Macro<'_>) -> Statement {
        Statement::Macro {
            name: macro_.name.to_owned(),
            args: macro_.args.iter().flat_map(targets).collect(),
            defaults: macro_.defaults.iter().map(|default| self.expr(default)).collect(),
            body: self.body(&macro_.body),
        }
    }

    fn expr(&self, expr: &ast::Expr<'_>) -> Expr {
        let at = self.range(expr.span());
        let boxed = |expr: &ast::Expr<'_>| Box::new(self.expr(expr));
        let kind = match expr {
            ast::Expr::Var(var) => Kind::Var(var.id.to_owned()),
            ast::Expr::Const(constant) => match constant.value.as_str() {
                Some(text) => Kind::Str(text.to_owned()),
                None if constant.value.is_number() => Kind::Number,
                None => Kind::Const,
            },
            ast::Expr::Slice(slice) => {
                let bounds = [&slice.start, &slice.stop, &slice.step];
                Kind::Slice(
                    boxed(&slice.expr),
                    bounds.into_iter().flatten().map(|e| self.expr(e)).collect(),
                )
            }
            ast::Expr::UnaryOp(op) => match op.op {
                ast::UnaryOpKind::Not => Kind::Not(boxed(&op.expr)),
                ast::UnaryOpKind::Neg => Kind::Arithmetic(vec![self.expr(&op.expr)]),
            },
            ast::Expr::BinOp(op) => self.binary(op),
            ast::Expr::Compare(compare) => Kind::Compare {
                operands: std::iter::once(&compare.expr)
                    .chain(compare.ops.iter().map(|op| &op.expr))
                    .map(|operand| self.expr(operand))
                    .collect(),
                equal: compare
                    .ops
                    .iter()
                    .all(|op| !matches!(op.op, ast::CompareOpKind::Ne | ast::CompareOpKind::NotIn)),
            },
            ast::Expr::IfExpr(cond) => Kind::IfElse {
                test: boxed(&cond.test_expr),
                yes: boxed(&cond.true_expr),
                no: cond.false_expr.as_ref().map(boxed),
            },
            ast::Expr::Filter(filter) => {
                let subject = filter.expr.as_ref().map(boxed);
                let from = subject
                    .as_ref()
                    .map_or(at.start, |subject| subject.at.end)
                    .min(at.end);
                let name = Name {
                    text: filter.name.to_owned(),
                    at: self.word(filter.name, from..at.end, false),
                };
                Kind::Filter {
                    name,
                    subject,
                    args: self.args(&filter.args),
                }
            }
            ast::Expr::Test(test) => {
                let subject = boxed(&test.expr);
                let from = subject.at.end.min(at.end);
                let name = Name {
                    text: test.name.to_owned(),
                    at: self.word(test.name, from..at.end, false),
                };
                Kind::Test {
                    name,
                    subject,
                    args: self.args(&test.args),
                }
            }
            ast::Expr::GetAttr(attr) => {
                let name = Name {
                    text: attr.name.to_owned(),
                    at: self.word(attr.name, at.clone(), true),
                };
                Kind::Attr(boxed(&attr.expr), name)
            }
            ast::Expr::GetItem(item) => Kind::Item(boxed(&item.expr), boxed(&item.subscript_expr)),
            ast::Expr::Call(call) => return self.call(call, at),
            ast::Expr::List(list) => Kind::List(list.items.iter().map(|item| self.expr(item)).collect()),
            ast::Expr::Tuple(tuple) => Kind::List(tuple.items.iter().map(|item| self.expr(item)).collect()),
            ast::Expr::Map(map) => Kind::Map(
                map.keys
                    .iter()
                    .chain(&map.values)
                    .map(|item| self.expr(item))
                    .collect(),
            ),
        };
        Expr { kind, at }
    }

    fn binary(&self, op: &ast::BinOp<'_>) -> Kind {
        let (left, right) = (self.expr(&op.left), self.expr(&op.right));
        match op.op {
            ast::BinOpKind::ScAnd => Kind::And(Box::new(left), Box::new(right)),
            ast::BinOpKind::ScOr => Kind::Or(Box::new(left), Box::new(right)),
            ast::BinOpKind::Ne => Kind::Compare {
                operands: vec![left, right],
                equal: false,
            },
            ast::BinOpKind::Eq
            | ast::BinOpKind::Lt
            | ast::BinOpKind::Lte
            | ast::BinOpKind::Gt
            | ast::BinOpKind::Gte
            | ast::BinOpKind::In => Kind::Compare {
                operands: vec![left, right],
                equal: true,
            },
            _ => Kind::Arithmetic(vec![left, right]),
        }
    }

    fn call(&self, call: &ast::Call<'_>, at: Range<usize>) -> Expr {
        let callee = Box::new(self.expr(&call.expr));
        Expr {
            kind: Kind::Call {
                callee,
                args: self.args(&call.args),
            },
            at,
        }
    }

    fn args(&self, args: &[ast::CallArg<'_>]) -> Vec<Arg> {
        args.iter()
            .map(|arg| match arg {
                ast::CallArg::Kwarg(name, value) => {
                    let value = self.expr(value);
                    let at = self.word(name, 0..value.at.start, true);
                    Arg {
                        name: Some(Name {
                            text: (*name).to_owned(),
                            at,
                        }),
                        value,
                    }
                }
                ast::CallArg::Pos(value)
                | ast::CallArg::PosSplat(value)
                | ast::CallArg::KwargSplat(value) => Arg {
                    name: None,
                    value: self.expr(value),
                },
            })
            .collect()
    }
}

/// The variables that an assignment or a loop makes; none for an attribute (`set ns.x = …`).
fn targets(expr: &ast::Expr<'_>) -> Vec<String> {
    match expr {
        ast::Expr::Var(var) => vec![var.id.to_owned()],
        ast::Expr::Const(constant) => constant.value.as_str().map(str::to_owned).into_iter().collect(),
        ast::Expr::List(list) => list.items.iter().flat_map(targets).collect(),
        ast::Expr::Tuple(tuple) => tuple.items.iter().flat_map(targets).collect(),
        _ => Vec::new(),
    }
}
