use super::{
    Fill, Grid, Point, Shape, as_of, gap_fill, increase, interpolate, m4, rate, reduce, settle,
    time_weight,
};

#[test]
fn of_several_points_at_one_time_the_last_stays() {
    let mut points = vec![(3, 1.0), (1, 2.0), (3, 4.0), (2, 3.0)];
    settle(&mut points);
    assert_eq!(points, [(1, 2.0), (2, 3.0), (3, 4.0)]);
}

#[test]
fn a_counter_rises_and_starts_again() {
    let points = [(0, 10.0), (1_000, 15.0), (2_000, 3.0), (4_000, 3.0)];
    assert_eq!(increase(&points), Some(8.0));
    assert_eq!(rate(&points), Some(2.0));
    assert_eq!(increase(&points[..1]), None, "one value tells nothing");
    assert_eq!(rate(&[(5, 1.0)]), None);
    assert_eq!(increase(&[]), None);
}

#[test]
fn a_value_weighs_as_long_as_it_held() {
    assert_eq!(time_weight(&[(0, 10.0), (9_000, 20.0), (10_000, 0.0)]), Some(11.0));
    assert_eq!(time_weight(&[(0, 10.0)]), Some(10.0));
    assert_eq!(time_weight(&[]), None);
}

#[test]
fn four_points_tell_a_column_of_a_chart() {
    let points: Vec<Point> = vec![(1, 5.0), (2, 9.0), (3, 1.0), (4, 6.0), (5, 5.0)];
    assert_eq!(m4(&points), [(1, 5.0), (2, 9.0), (3, 1.0), (5, 5.0)]);
    assert_eq!(m4(&points[..1]), [(1, 5.0)]);
    assert_eq!(m4(&[]), []);
}

#[test]
fn between_two_points_there_is_a_line() {
    let points = [(0, 1.0), (10, 3.0)];
    assert_eq!(interpolate(&points, 5), Some(2.0));
    assert_eq!(interpolate(&points, 0), Some(1.0));
    assert_eq!(interpolate(&points, 10), Some(3.0));
    assert_eq!(interpolate(&points, -1), None);
    assert_eq!(interpolate(&points, 11), None);
}

#[test]
fn a_value_holds_until_the_next_one() {
    let points = vec![(0, 1.0), (10, 3.0), (20, 4.0)];
    for (at, value) in
        [(-1, None), (0, Some(1.0)), (9, Some(1.0)), (10, Some(3.0)), (99, Some(4.0))]
    {
        assert_eq!(as_of(&points, at).map(|(_, value)| value), value, "at {at}");
        let mut kept = points.clone();
        reduce(Shape::AsOf(at), &mut kept);
        assert!(kept.len() <= 1 && as_of(&kept, at) == as_of(&points, at), "{kept:?} at {at}");
    }
}

#[test]
fn gaps_are_filled_as_asked() {
    let points = [(-5, 0.0), (0, 1.0), (5, 3.0), (30, 5.0)];
    let filled = |fill| gap_fill(&points, Grid { step: 10, from: 0, to: 45, fill });
    let values = |fill| filled(fill).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(values(Fill::Null), [Some(2.0), None, None, Some(5.0), None]);
    assert_eq!(values(Fill::Previous), [Some(2.0), Some(3.0), Some(3.0), Some(5.0), Some(5.0)]);
    assert_eq!(values(Fill::Linear), [Some(2.0), Some(3.4), Some(4.2), Some(5.0), None]);
    let times: Vec<i64> = filled(Fill::Null).into_iter().map(|(time, _)| time).collect();
    assert_eq!(times, [0, 10, 20, 30, 40]);
    assert_eq!(gap_fill(&points, Grid { step: 10, from: 5, to: 5, fill: Fill::Null }), []);
}
