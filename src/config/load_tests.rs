//! Layers and messages of the configuration.

use super::*;
use crate::config::keys::{IPAM_POOL_KEYS, POOL_KEYS};
use crate::config::{EXAMPLE, Theme, example_for};
use noctule_domain::TenantId;

fn load_text(text: &str, variables: &[(&str, &str)], flags: GlobalArgs) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let environment = Environment(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
    load(&GlobalArgs { config: Some(file), ..flags }, &environment)
}

fn message(text: &str) -> String {
    load_text(text, &[], GlobalArgs::default()).expect_err("refused").to_string()
}

#[test]
fn later_layers_win() {
    let text = "[console]\ntheme = \"light\"\nrefresh_ms = 500\n";
    let file = load_text(text, &[], GlobalArgs::default()).unwrap().config;
    assert_eq!((file.console.theme, file.console.refresh_ms), (Theme::Light, 500));
    let variables = [("NOCTULE_CONSOLE_THEME", "mono"), ("NOCTULE_CONSOLE_ASCII", "yes"), ("NOCTULE_STORE_HOLD_HOURS", "2")];
    let env = load_text(text, &variables, GlobalArgs::default()).unwrap().config;
    assert_eq!((env.console.theme, env.console.ascii, env.store.hold_hours), (Theme::Mono, true, 2));
    let flags = GlobalArgs { theme: Some("high-contrast".into()), store: Some("/var/x.db".into()), ..Default::default() };
    let flag = load_text(text, &variables, flags).unwrap();
    assert_eq!(flag.config.console.theme, Theme::HighContrast);
    assert_eq!(flag.store_path(), PathBuf::from("/var/x.db"));
}

#[test]
fn a_wrong_key_is_named_with_its_line_and_the_nearest_one() {
    let text = message("[console]\nascii = true\n\n[netbox]\nallow_plain_htp = true\n");
    assert!(
        text.contains("config.toml line 5") && text.contains("'allow_plain_htp'") && text.contains("did you mean 'allow_plain_http'?"),
        "{text}"
    );
    let text = message("[netbx]\n");
    assert!(text.contains("line 1") && text.contains("did you mean 'netbox'?"), "{text}");
    let text = message("[console]\nhold_hours = 3\n");
    assert!(text.contains("belongs into [store]"), "{text}");
    let text = message("theme = \"dark\"\n");
    assert!(text.contains("belongs into the section [console]"), "{text}");
}

#[test]
fn a_wrong_value_says_what_is_wanted() {
    for (text, wanted) in [
        ("[console]\ntheme = \"drak\"\n", "did you mean 'dark'?"),
        ("[console]\nmouse = \"yes\"\n", "true or false"),
        ("[console]\nrefresh_ms = 1\n", "from 250 to 60000"),
        ("[store]\nhold_hours = -1\n", "from 0 to 8760"),
        ("[tenant]\nid = \"nope\"\n", "line 2"),
        ("[radius]\nsource = \"300.1.1.1\"\n", "line 2"),
        ("[netbox]\nurl = \"http://netbox.example.net\"\n", "unprotected"),
        ("[[netbox.pools]]\nprefix = \"2001:db8::/36\"\nid = 3\n", "either prefix or id"),
        ("[[netbox.pools]]\nprefix = \"2001:db8::/60\"\n", "no /56 fits"),
        ("[[netbox.pools]]\nprefix = \"2001:db8::1/40\"\n", "2001:db8::/40 is meant"),
        ("[[netbox.pools]]\nid = 1\nsites = \"turku\"\n", "list of texts"),
        ("[[netbox.pools]]\nid = 1\nsites = [\"\"]\n", "serves nobody"),
        ("[[netbox.pools]]\nid = 1\nlengths = [56, 65]\n", "from 48 to 64"),
        ("[[netbox.pools]]\nid = 1\nlengths = [60, 64]\ndelegated_len = 56\n", "do not have the /56"),
        ("[[netbox.pools]]\nprefix = \"2001:db8::/56\"\nlengths = [60, 56]\n", "no /56 fits"),
        ("[ipam]\nbuilt_in = true\n", "there is nothing to give"),
        ("[netbox]\nurl = \"https://x.example\"\n[ipam]\nbuilt_in = true\n[[ipam.pools]]\nprefix = \"2001:db8::/40\"\n", "not from both"),
        ("[[ipam.pools]]\nprefix = \"2001:db8::/40\"\n[[ipam.pools]]\nprefix = \"2001:db8::/44\"\n", "overlaps 2001:db8::/40"),
        ("[[ipam.pools]]\nvrf = 1\n", "give prefix"),
        ("[[ipam.pools]]\nid = 1\n", "no key of [ipam.pools]"),
        ("[ipam]\nwarning_percent = 90\n", "comes before critical_percent"),
        ("[netbox]\npool_rule = \"least\"\n", "none of in_order, least_used, fill"),
        ("[[netbox.pools]]\nprefx = \"2001:db8::/40\"\n", "did you mean 'prefix'?"),
        ("[console\n", "line 1"),
        ("a = 1\na = 2\n", "line 2"),
    ] {
        let said = message(text);
        assert!(said.contains(wanted), "{text:?} said {said:?}");
    }
}

#[test]
fn a_secret_written_out_is_refused_and_never_repeated() {
    for text in [
        "[netbox]\ntoken = \"hunter2hunter2\"\n",
        "[netbox]\ntoken = 8675309\n",
        "[netbox]\ntoken = [\"hunter2hunter2\"]\n",
        "[netbox]\ntoken = \"hunter2hunter2\n",
        "[netbox]\nurl = \"https://x:hunter2hunter2@nb\"\n",
    ] {
        let said = message(text);
        assert!(!said.contains("hunter2") && !said.contains("8675309"), "{said}");
        assert!(said.contains("line 2"), "{said}");
    }
}

#[test]
fn a_wrong_variable_is_named() {
    let error = load_text("", &[("NOCTULE_CONSOLE_THEME", "drak")], GlobalArgs::default()).expect_err("refused").to_string();
    assert!(error.contains("NOCTULE_CONSOLE_THEME") && error.contains("'dark'"), "{error}");
    let error = load_text("", &[("NOCTULE_NETBOX_URL", "nonsense")], GlobalArgs::default()).expect_err("refused").to_string();
    assert!(error.contains("NOCTULE_NETBOX_URL"), "{error}");
    let slips = crate::config::unknown_variables(["NOCTULE_NETBOX_URI", "NOCTULE_RADIUS_VECTORS", "HOME"].into_iter());
    assert_eq!(slips, vec![("NOCTULE_NETBOX_URI".to_owned(), "NOCTULE_NETBOX_URL".to_owned())]);
}

#[test]
fn the_console_starts_read_only_on_a_broken_file_with_the_right_store_and_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let tenant = "0199a0b4-0000-7000-8000-000000000001";
    std::fs::write(&file, format!("[tenant]\nid = \"{tenant}\"\n[store]\npath = \"x.db\"\n[console]\nthem = \"light\"\n")).unwrap();
    let flags = GlobalArgs { config: Some(file), ..Default::default() };
    let (loaded, error) = load_or_safe(&flags, &Environment::default()).unwrap();
    assert!(error.expect("kept").to_string().contains("did you mean 'theme'?"));
    assert!(loaded.read_only);
    assert_eq!(loaded.config.tenant_id().unwrap().to_string(), tenant);
    assert_eq!(loaded.store_path(), folder.path().join("x.db"));
}

#[test]
fn the_example_loads_as_it_is_and_shows_every_key_with_its_default() {
    let tenant: TenantId = "0199a0b4-0000-7000-8000-000000000001".parse().unwrap();
    let loaded = load_text(&example_for(tenant), &[], GlobalArgs::default()).unwrap();
    assert_eq!(loaded.config.tenant.id, Some(tenant));
    // With every comment sign before a key taken away it loads too: no example is wrong.
    let all: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(k, _)| !k.contains(' ')) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let full = load_text(&all, &[], GlobalArgs::default()).unwrap().config;
    assert_eq!((full.netbox.pools.len(), full.ipam.pools.len()), (2, 1));
    for key in KEYS.iter().chain(POOL_KEYS).chain(IPAM_POOL_KEYS).filter(|key| key.kind != Kind::Tables) {
        assert!(
            EXAMPLE.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{} = ", key.name))),
            "{} is not in the example",
            key.name
        );
    }
}

#[test]
fn the_table_of_keys_agrees_with_the_types() {
    // Optional values are absent from the serialised default, so set each key on its own and see that it is taken.
    let default = toml::Table::try_from(Config::default()).unwrap();
    for (section, inner) in &default {
        for (name, value) in inner.as_table().unwrap() {
            let key =
                KEYS.iter().find(|k| k.section == section && k.name == name).unwrap_or_else(|| panic!("{section}.{name} is not in KEYS"));
            if key.kind != Kind::Tables {
                let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                assert_eq!(key.default, written, "{section}.{name}");
            }
        }
    }
    for key in KEYS {
        let value = match key.kind {
            Kind::Flag => "true".to_owned(),
            Kind::Number { min, .. } => min.to_string(),
            Kind::Word(words) => format!("{:?}", words[0]),
            Kind::Secret => "\"env:X\"".to_owned(),
            Kind::Tables | Kind::Texts | Kind::Numbers { .. } => "[]".to_owned(),
            Kind::Text if key.name == "id" => "\"0199a0b4-0000-7000-8000-000000000001\"".to_owned(),
            Kind::Text if key.name == "source" => "\"192.0.2.1\"".to_owned(),
            Kind::Text if key.name == "listen" => "\"[::1]:80\"".to_owned(),
            Kind::Text | Kind::Path => "\"x\"".to_owned(),
        };
        toml::from_str::<Config>(&format!("[{}]\n{} = {value}\n", key.section, key.name))
            .unwrap_or_else(|e| panic!("{}.{}: {e}", key.section, key.name));
    }
    for (words, all) in [
        ("theme", Theme::ALL.iter().map(|w| w.word()).collect::<Vec<_>>()),
        ("role", noctule_domain::permission::Role::ALL.iter().map(|w| w.word()).collect()),
        ("pool_rule", noctule_domain::ipam::PoolRule::ALL.iter().map(|w| w.word()).collect()),
        ("level", crate::config::LogLevel::ALL.iter().map(|w| w.word()).collect()),
    ] {
        let key = KEYS.iter().find(|k| k.name == words).unwrap();
        assert_eq!(key.kind, Kind::Word(all.leak()));
    }
}
