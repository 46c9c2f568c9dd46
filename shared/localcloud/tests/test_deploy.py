"""What is deployed with which parameters."""

import unittest
from pathlib import Path
from unittest import mock

import templates
from deploy import TEST_PARAMETERS, Deployment
from settings import Project

ROOT = Path(__file__).resolve().parents[3]


class Parameters(unittest.TestCase):
    def deployed(self, **more: dict[str, str]) -> dict[str, dict[str, str]]:
        deployment = Deployment(mock.Mock(), Project(ROOT, ROOT / "target/debug"), "test", **more)
        return {system.name: system.parameters for system in deployment.wanted}

    def test_tests_alone_may_reach_private_hosts_and_only_who_asks_for_it(self) -> None:
        usual, tested = self.deployed(), self.deployed(parameters=TEST_PARAMETERS)
        self.assertEqual([name for name, parameters in usual.items() if "AllowPrivateHosts" in parameters], [])
        more = {name: dict(tested[name].items() - usual[name].items()) for name in usual}
        self.assertEqual({name for name in more if "AllowPrivateHosts" in more[name]}, {"notifications"})
        self.assertEqual(more.pop("ledger"), {"CheckpointEvery": "2"})
        of_notifications = {name: value for name, value in TEST_PARAMETERS.items() if name != "CheckpointEvery"}
        self.assertEqual(more.pop("notifications"), of_notifications)
        self.assertEqual(list(filter(None, more.values())), [])

    def test_the_template_itself_forbids_it(self) -> None:
        declared = templates.load(ROOT / "functions/notifications/template.yaml")["Parameters"]
        self.assertEqual(declared["AllowPrivateHosts"]["Default"], "false")


if __name__ == "__main__":
    unittest.main()
