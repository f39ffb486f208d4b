//! The service classes that a host registers, and the name that follows from them.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

static REGISTERED: Mutex<Registered> = Mutex::new(Registered::Nothing);

/// Tells the inference of `service.name` about one class; `""` for no package; before `init`.
///
/// Where neither an argument nor a variable names the service, one class names it
/// `<package>.<Class>`, and several name it `<fallback name or process>-multi`. The same class
/// counts once, a blank one not at all. A pipeline that runs keeps the name it began with.
pub fn register_service(package: &str, class: &str) {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner).add(package, class);
}

/// For the fork: no class is being registered.
pub(crate) fn hold() -> Box<dyn Any> {
    Box::new(REGISTERED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What the process has registered so far.
pub(super) fn registered() -> Registered {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Beyond one class their names do not matter, so they are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Registered {
    #[default]
    Nothing,
    One(String),
    Several,
}

impl Registered {
    fn add(&mut self, package: &str, class: &str) {
        let (package, class) = (package.trim(), class.trim());
        if class.is_empty() {
            return;
        }
        let name = if package.is_empty() { class.to_owned() } else { format!("{package}.{class}") };
        match self {
            Self::Nothing => *self = Self::One(name),
            Self::One(known) if *known != name => *self = Self::Several,
            Self::One(_) | Self::Several => {}
        }
    }

    /// The name of the service, if these say one; `host` is the fallback name or the process.
    pub(super) fn service_name(self, host: Option<&str>) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::One(name) => Some(name),
            Self::Several => host.map(|host| format!("{host}-multi")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Registered;

    #[test]
    fn classes_make_a_name() {
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        #[rustfmt::skip]
        let rows: [Row<'_>; 9] = [
            (&[], None),
            (&[("", "")], None),
            (&[("shop", " ")], None),
            (&[("shop", "Cart")], Some("shop.Cart")),
            (&[("", "Cart")], Some("Cart")),
            (&[("shop", "Cart"), ("shop", "Cart"), ("shop", "")], Some("shop.Cart")),
            (&[("shop", "Cart"), ("", "Cart")], Some("oaas-multi")),
            (&[("shop", "Cart"), ("shop", "Till")], Some("oaas-multi")),
            (&[("a", "A"), ("b", "B"), ("b", "B"), ("c", "C")], Some("oaas-multi")),
        ];
        for (classes, expected) in rows {
            let mut registered = Registered::default();
            for (package, class) in classes {
                registered.add(package, class);
            }
            assert_eq!(registered.service_name(Some("oaas")).as_deref(), expected, "{classes:?}");
        }
    }

    #[test]
    fn several_classes_of_a_process_without_a_name_name_nothing() {
        assert_eq!(Registered::Several.service_name(None), None);
        assert_eq!(Registered::One("Cart".to_owned()).service_name(None).as_deref(), Some("Cart"));
    }
}
