"""The operator's verbs; the Makefile calls them."""

import argparse
import shlex
from pathlib import Path

from operate import embedded
from operate.account.bootstrap import bootstrap
from operate.account.images import check_images
from operate.account.job_logs import keep_job_logs
from operate.api.keys import key_of
from operate.environment import Environment, client
from operate.releases.drift import drift
from operate.releases.rollback import rollback
from operate.tuning.finetune import finetune
from operate.weights.staging import stage_weights


def main() -> None:
    """Run one verb."""
    arguments = _parser().parse_args()
    if arguments.verb in embedded.VERBS:
        embedded.run(arguments.verb)
        return
    match arguments.verb:
        case "key":
            print(key_of(Environment(arguments.environment), arguments.client))
        case "bootstrap":
            bootstrap(Environment(arguments.environment))
        case "rollback":
            rollback(Environment(arguments.environment))
        case "image":
            check_images(Environment(arguments.environment))
        case "stage-weights":
            stage_weights(Environment(arguments.environment), arguments.source)
        case "drift":
            drift(Environment(arguments.environment))
        case "job-logs":
            keep_job_logs(client("logs"), arguments.days)
        case "finetune":
            finetune(
                Environment(arguments.environment),
                data=arguments.data,
                mode=arguments.mode,
                fail=arguments.fail,
                values=dict(arguments.values),
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, run in embedded.VERBS.items():
        verbs.add_parser(name, help=run.__doc__)
    key = verbs.add_parser("key", help="print the API key of a client")
    start = verbs.add_parser("bootstrap", help="let deployments do what they must, and no more")
    back = verbs.add_parser("rollback", help="release the model that was served before")
    image = verbs.add_parser("image", help="hold the images' digests against the registry")
    proof = verbs.add_parser("drift", help="prove that what serves is what the stack says")
    tune = verbs.add_parser("finetune", help="fine-tune on data of this machine, and release")
    job_logs = verbs.add_parser("job-logs", help="limit how long the account keeps job logs")
    job_logs.add_argument("days", type=int, help="as CloudWatch Logs offers them: 30, 90, 365")
    stage = verbs.add_parser("stage-weights", help="bring the base weights into the account")
    for verb in (key, start, back, image, proof, tune, stage):
        verb.add_argument("environment", help="local, dev, staging or prod")
    stage.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER", help="a folder instead of the hub"
    )
    key.add_argument("client", help="the client's name in stacks/environments.py")
    tune.add_argument("--data", type=Path, help="a folder, if not the mode's example data")
    tune.add_argument("--mode", choices=("instruction", "domain"), default="instruction")
    tune.add_argument("--fail", choices=("gate",), help="show a refusal")
    tune.add_argument(
        "--set",
        dest="values",
        type=_assignments,
        action="extend",
        default=[],
        metavar="'NAME=VALUE ...'",
        help="parameters of the pipeline, each quoted as in a shell if need be",
    )
    return parser


def _assignments(text: str) -> list[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"close every quote, got {text!r}") from error
    return [_assignment(word) for word in words]


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"give a parameter as NAME=VALUE, got {text!r}")
    return name, value


if __name__ == "__main__":
    main()
