//! The same readings as data, at the page's address with an ending.

use serde_json::json;

use crate::pages::csv_line;
use crate::show;
use crate::site::Device;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    Json,
}

impl Form {
    pub(crate) fn split(path: &str) -> Option<(String, Self)> {
        let (handle, ending) = path.rsplit_once('.')?;
        match ending {
            "csv" => Some((handle.to_owned(), Self::Csv)),
            "json" => Some((handle.to_owned(), Self::Json)),
            _ => None,
        }
    }

    pub(crate) const fn mime(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    pub(crate) fn write(self, device: &Device) -> Vec<u8> {
        match self {
            Self::Csv => csv(device).into_bytes(),
            Self::Json => json(device).to_string().into_bytes(),
        }
    }
}

fn csv(device: &Device) -> String {
    let mut out = String::from("time,device,signal,unit,last,min,mean,max\r\n");
    for signal in &device.signals {
        for point in &signal.points {
            let time = show::iso(point.time);
            let [last, min, mean, max] =
                [point.last, point.min, point.mean, point.max].map(|value| value.to_string());
            csv_line(
                &mut out,
                &[
                    &time,
                    &device.row.handle,
                    &signal.name,
                    signal.unit.as_deref().unwrap_or_default(),
                    &last,
                    &min,
                    &mean,
                    &max,
                ],
            );
        }
    }
    out
}

fn json(device: &Device) -> serde_json::Value {
    let signals: Vec<_> = device
        .signals
        .iter()
        .map(|signal| {
            let points: Vec<_> = signal
                .points
                .iter()
                .map(|point| {
                    json!({
                        "time": show::iso(point.time),
                        "last": point.last,
                        "min": point.min,
                        "mean": point.mean,
                        "max": point.max,
                    })
                })
                .collect();
            json!({
                "signal": signal.name,
                "unit": signal.unit,
                "decimated": signal.decimated,
                "points": points,
            })
        })
        .collect();
    json!({
        "device": device.row.handle,
        "id": device.id,
        "type": device.row.kind,
        "position": device.durable.position,
        "signals": signals,
    })
}
