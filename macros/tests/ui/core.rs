// The little of the core that expansions name, under the core's name.
extern crate self as kube_mcp_core;

pub mod call {
    pub struct Cx;
    pub struct ServerCx;
    #[derive(Clone, Debug)]
    pub struct Page;
    #[derive(Debug)]
    pub struct BindError;
    #[derive(Debug)]
    pub enum Stop {
        Error,
    }
    impl From<BindError> for Stop {
        fn from(_: BindError) -> Self {
            Self::Error
        }
    }
    pub type Result<T> = std::result::Result<T, Stop>;
    pub type Value = String;

    #[derive(Clone, Copy)]
    pub enum Access {
        Read,
    }
    pub enum Reach {
        Cluster,
        Server,
    }
    pub struct OperationParam {
        pub name: &'static str,
        pub ty: &'static str,
        pub required: bool,
    }
    pub struct Need {
        pub verb: &'static str,
        pub resource: &'static str,
    }
    pub struct Operation {
        pub name: &'static str,
        pub access: Access,
        pub reach: Reach,
        pub output: crate::output::OutputKind,
        pub paged: bool,
        pub long: bool,
        pub needs: &'static [Need],
        pub params: &'static [OperationParam],
    }

    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be the parameter of an operation",
        label = "not a type that a spec can bind"
    )]
    pub trait Bind: Sized {
        fn bind(value: Option<Value>) -> std::result::Result<Self, BindError>;
    }
    impl Bind for String {
        fn bind(value: Option<Value>) -> std::result::Result<Self, BindError> {
            value.ok_or(BindError)
        }
    }
    impl<T: Bind> Bind for Option<T> {
        fn bind(value: Option<Value>) -> std::result::Result<Self, BindError> {
            value.map(|value| T::bind(Some(value))).transpose()
        }
    }
    pub struct Values;
    impl Values {
        pub fn take<T: Bind>(&mut self, name: &str, _at: &'static str) -> std::result::Result<T, BindError> {
            T::bind(Some(name.to_owned()))
        }
    }

    pub trait Choice: Sized + Copy + 'static {
        const NAMES: &'static [&'static str];
        fn from_name(name: &str) -> Option<Self>;
        fn name(self) -> &'static str;
    }
    pub fn bind_choice<T: Choice>(value: Option<Value>) -> std::result::Result<T, BindError> {
        value.as_deref().and_then(T::from_name).ok_or(BindError)
    }
}

pub mod output {
    pub enum OutputKind {
        Table,
    }
    pub struct Table;
}
