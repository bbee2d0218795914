from __future__ import annotations

from blogd.render.calendar import calendar_json


def test_the_file_in_full_in_the_order_of_the_calendar() -> None:
    years, months = {"2025": 2, "2024": 1}, {"2025-01": 2, "2024-12": 1}
    days = {"2025-01-15": 1, "2025-01-02": 1, "2024-12-31": 1}
    assert calendar_json(years, months, days) == (
        '{"years":{"2024":1,"2025":2},"months":{"2024-12":1,"2025-01":2},'
        '"days":{"2024-12-31":1,"2025-01-02":1,"2025-01-15":1}}\n'
    )


def test_an_empty_site_has_an_empty_calendar() -> None:
    assert calendar_json({}, {}, {}) == '{"years":{},"months":{},"days":{}}\n'
