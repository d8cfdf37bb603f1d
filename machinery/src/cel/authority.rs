//! The authorizer: what expressions ask about rights.
//!
//! In: steps such as `authorizer.group('').resource('pods').check('get')`. Out: decisions of whoever decides. Who asks is known
//! to the one who decides, unless the expression names a service account.

use std::rc::Rc;

use super::eval::{Result, no_overload};
use super::value::Value;
use crate::rbac::Asked;

/// Who decides about rights.
pub trait Authority: std::fmt::Debug + Send + Sync {
    /// Whether something is allowed to whoever makes the request, or to a service account by namespace and name; and why.
    fn decide(&self, account: Option<(&str, &str)>, asked: Asked<'_>) -> (bool, String);
}

/// A question on its way.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    by: &'a dyn Authority,
    account: Option<(String, String)>,
    about: About,
}

#[derive(Clone, Debug)]
enum About {
    Nothing,
    Path(String),
    Group(String),
    Resource {
        group: String,
        resource: String,
        subresource: String,
        namespace: String,
        name: String,
    },
    Decided {
        allowed: bool,
        reason: String,
    },
}

impl<'a> Question<'a> {
    /// The authorizer itself.
    pub(crate) fn to(by: &'a dyn Authority) -> Value<'a> {
        Value::Question(Rc::new(Self {
            by,
            account: None,
            about: About::Nothing,
        }))
    }

    fn about(&self, about: About) -> Result<'a> {
        Ok(Value::Question(Rc::new(Self {
            by: self.by,
            account: self.account.clone(),
            about,
        })))
    }

    fn check(&self, verb: &str) -> Option<(bool, String)> {
        let asked = match &self.about {
            About::Path(path) => Asked::Path { verb, path },
            About::Resource {
                group,
                resource,
                subresource,
                namespace,
                name,
            } => Asked::Resource {
                verb,
                group,
                resource,
                subresource,
                namespace,
                name,
            },
            About::Nothing | About::Group(_) | About::Decided { .. } => return None,
        };
        let account = self
            .account
            .as_ref()
            .map(|(namespace, name)| (namespace.as_str(), name.as_str()));
        Some(self.by.decide(account, asked))
    }
}

/// A step of a question.
pub(super) fn call<'a>(function: &str, question: &Question<'a>, args: &[Value<'a>]) -> Result<'a> {
    let text = |index: usize| match args.get(index) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    match (function, &question.about) {
        ("path", About::Nothing) => question.about(About::Path(text(0))),
        ("group", About::Nothing) => question.about(About::Group(text(0))),
        ("serviceAccount", About::Nothing) => Ok(Value::Question(Rc::new(Question {
            by: question.by,
            account: Some((text(0), text(1))),
            about: About::Nothing,
        }))),
        ("resource", About::Group(group)) => question.about(About::Resource {
            group: group.clone(),
            resource: text(0),
            subresource: String::new(),
            namespace: String::new(),
            name: String::new(),
        }),
        ("check", _) => match question.check(&text(0)) {
            Some((allowed, reason)) => question.about(About::Decided { allowed, reason }),
            None => no_overload(),
        },
        ("allowed", About::Decided { allowed, .. }) => Ok(Value::Bool(*allowed)),
        ("reason", About::Decided { reason, .. }) => Ok(Value::text(reason.clone())),
        ("errored", About::Decided { .. }) => Ok(Value::Bool(false)),
        ("error", About::Decided { .. }) => Ok(Value::text("")),
        (part, About::Resource { .. }) => {
            let mut about = question.about.clone();
            if let About::Resource {
                subresource,
                namespace,
                name,
                ..
            } = &mut about
            {
                match part {
                    "subresource" => *subresource = text(0),
                    "namespace" => *namespace = text(0),
                    "name" => *name = text(0),
                    // What only narrows a question may be left out: roles do not look at it.
                    "fieldSelector" | "labelSelector" => {}
                    _ => return no_overload(),
                }
            }
            question.about(about)
        }
        _ => no_overload(),
    }
}
