use super::{label_of_attribute, label_of_member, label_of_tag};

#[test]
fn a_tag_describes_by_a_known_name_or_as_a_nameplate_does() {
    for (tag, label) in [
        ("model", Some("model")),
        ("Vendor", Some("vendor")),
        ("manufacturer", Some("vendor")),
        ("fw", Some("firmware")),
        ("FW_Version", Some("firmware")),
        ("fleet", Some("fleet")),
        ("device_version", Some("device_version")),
        ("load_capacity", Some("load_capacity")),
        ("nominal_fuel_consumption", Some("nominal_fuel_consumption")),
        ("Rated_Power", Some("Rated_Power")),
        ("area", None),
        ("phase", None),
        ("version", None),
        ("_version", None),
        ("capacity", None),
        ("nominal_", None),
        ("denominal_x", None),
        ("load_capacity_used", None),
        ("é_version", Some("é_version")),
        ("nominalé", None),
        ("", None),
    ] {
        assert_eq!(label_of_tag(tag), label, "{tag}");
    }
}

#[test]
fn a_member_and_an_attribute_may_name_the_area_too() {
    assert_eq!(label_of_member("Area"), Some("area"));
    assert_eq!(label_of_member("fleet"), None);
    assert_eq!(label_of_member("battery_capacity"), None);
    assert_eq!(label_of_attribute("area"), Some("area"));
    assert_eq!(label_of_attribute("battery_capacity"), Some("battery_capacity"));
}
