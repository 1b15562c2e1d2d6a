//! `althing grafana provision`: a data source and dashboards for Grafana, ready to be read by it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::Context;
use crate::cli::ProvisionArgs;
use crate::complaint::{Complaint, Exit};

/// By file name: what a site shows, and what one device does.
const DASHBOARDS: [(&str, &str); 2] = [
    ("site.json", include_str!("../../assets/grafana/site.json")),
    ("device.json", include_str!("../../assets/grafana/device.json")),
];

/// # Errors
/// When the site has no door for clients of PostgreSQL, or files cannot be written.
pub(crate) fn provision(context: &mut Context<'_>, args: &ProvisionArgs) -> Result<(), Complaint> {
    let address = args.postgres.or_else(|| context.config.postgres.address.get());
    let Some(address) = address else {
        let next = "set postgres.address, or name one with --postgres";
        return Err(Complaint::new(Exit::Usage, "the site does not speak PostgreSQL").next(next));
    };
    let Some(folder) = &args.folder else {
        write!(context.out, "{}", data_source(address))?;
        return Ok(());
    };
    let dashboards = folder.join("dashboards").join("althing");
    let mut files = vec![
        (folder.join("datasources").join("althing.yaml"), data_source(address)),
        (folder.join("dashboards").join("althing.yaml"), provider(&dashboards)),
    ];
    files.extend(DASHBOARDS.map(|(name, json)| (dashboards.join(name), json.to_owned())));
    for (path, text) in files {
        place(&path, &text)?;
        writeln!(context.out, "{}", path.display())?;
    }
    Ok(())
}

fn place(path: &Path, text: &str) -> Result<(), Complaint> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text))
        .map_err(|fault| Complaint::from_error(Exit::Failed, &fault).at(path.display().to_string()))
}

/// As Grafana 10 and later read it: `grafana-postgresql-datasource` was `postgres` before.
fn data_source(address: SocketAddr) -> String {
    format!(
        "apiVersion: 1
datasources:
  - name: Althing
    uid: althing
    type: grafana-postgresql-datasource
    access: proxy
    url: {address}
    user: grafana
    jsonData:
      database: althing
      sslmode: disable
      postgresVersion: 1500
      timescaledb: false
"
    )
}

fn provider(dashboards: &Path) -> String {
    let path = std::path::absolute(dashboards).unwrap_or_else(|_| dashboards.to_owned());
    format!(
        "apiVersion: 1
providers:
  - name: Althing
    folder: Althing
    type: file
    options:
      path: {}
",
        serde_json::Value::from(path.display().to_string())
    )
}

#[cfg(test)]
mod tests;
