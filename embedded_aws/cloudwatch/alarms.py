"""Metric alarms, judged by the metrics that they name, in the time of the circumstances.

ministack judges an alarm when a metric is put, by all dimensions and one value; here each alarm is
judged again and again, as metrics also end. A period of an alarm passes `time_scale` times faster.
"""

import json
import logging
import time

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from embedded_aws.cloudwatch import series, states
from embedded_aws.core.emulator import Json, Response, ScopedStore, scope
from embedded_aws.state.saving import saver

EVERY_SECONDS = 10
_UNKNOWN = frozenset(("Metrics", "ThresholdMetricId", "EvaluateLowSampleCountPercentile"))
_log = logging.getLogger(__name__)


class _Unsaved(ScopedStore):  # type: ignore[misc]  # ministack has no types
    """Metrics, which end with the server: each request makes a dozen, too many to save."""

    def __deepcopy__(self, _memo: Json) -> ScopedStore:
        return ScopedStore()


def install() -> None:
    """Judge alarms here, and refuse those that cannot be judged."""
    cloudwatch._evaluate_alarm = evaluate
    cloudwatch._metrics = _Unsaved()
    put = cloudwatch._put_metric_alarm

    def put_if_known(params: Json, document: Json, *protocol: bool) -> Response:
        answer: Response = _refusal({*params, *document}, *protocol) or put(
            params, document, *protocol
        )
        return answer

    cloudwatch._put_metric_alarm = put_if_known
    _judge_expressions_of_templates()


def _judge_expressions_of_templates() -> None:
    """Take what ministack refuses of a template: an alarm on an expression of metrics."""
    record = provisioners._cw_metric_alarm_record

    def record_with_queries(name: str, properties: Json) -> Json:
        queries = properties.get("Metrics")
        if not queries:
            plain: Json = record(name, properties)
            return plain
        series.check(queries)
        kept = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm: Json = record(name, {**kept, "Namespace": "-", "MetricName": "-"})
        periods = {q["MetricStat"]["Period"] for q in queries if "MetricStat" in q}
        if len(periods) != 1:
            raise ValueError(f"the embedded AWS takes metrics of one period, got {periods}")
        return {**alarm, "Metrics": queries, "Period": int(periods.pop())}

    provisioners._cw_metric_alarm_record = record_with_queries


def _refusal(members: set[str], *protocol: bool) -> Response | None:
    unknown = _UNKNOWN.intersection(name.partition(".")[0] for name in members)
    if not unknown:
        return None
    message = f"the embedded AWS has no {', '.join(sorted(unknown))} in an alarm"
    use_cbor, use_json = protocol
    refusal: Response = cloudwatch._error(
        "ValidationError", message, 400, use_json=use_json, use_cbor=use_cbor
    )
    return refusal


def evaluate_all() -> None:
    """Judge every alarm of every account."""
    for (account, region_name, name), alarm in cloudwatch._alarms.all_items():
        with scope(account, region_name):
            try:
                evaluate(alarm)
            except Exception:  # noqa: BLE001 - the other alarms are still to be judged
                _log.exception("the alarm %s cannot be judged", name)


def evaluate(alarm: Json) -> None:
    """Give the alarm the state that its metric's last complete periods make."""
    datapoints = _datapoints(alarm, time.time())
    new = states.state(alarm, datapoints)
    if new in (None, alarm["StateValue"]):
        return
    old, reason = alarm["StateValue"], states.reason(alarm, datapoints, str(new))
    at = time.time()
    data = {
        "version": "1.0",
        "period": alarm["Period"],
        "recentDatapoints": [point for point in datapoints if point is not None],
        "threshold": alarm["Threshold"],
    }
    alarm.update(
        StateValue=new,
        StateReason=reason,
        StateReasonData=json.dumps(data),
        StateUpdatedTimestamp=int(at),
        StateTransitionedTimestamp=int(at),
    )
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason, reason_data=data)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
    saver.note_change()


def _datapoints(alarm: Json, now: float) -> series.Series:
    """Return what is judged in each of the last complete periods, None without a value."""
    count = alarm["EvaluationPeriods"] + states.MORE_PERIODS
    if queries := alarm.get("Metrics"):
        return series.of_queries(queries, alarm["Period"], count, now)
    statistic = series.Statistic(
        alarm["Namespace"],
        alarm["MetricName"],
        alarm["Dimensions"],
        alarm.get("ExtendedStatistic") or alarm["Statistic"],
        alarm.get("Unit"),
    )
    return series.of_statistic(statistic, alarm["Period"], count, now)
