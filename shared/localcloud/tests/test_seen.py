"""What log lines tell about permissions."""

import json
import unittest

import seen


class Lines(unittest.TestCase):
    def test_actions_become_lines_without_the_stage(self) -> None:
        record = {
            "system": "zoo",
            "handler": "feed_cat",
            "actions": {"dynamodb:GetItem test-zoo": 2, "sqs:SendMessage testing-zoo": 1},
        }
        logged = ["no JSON", '"text"', json.dumps({"message": "no record"}), json.dumps(record)]
        expected = ["zoo/feed_cat dynamodb:GetItem ${Stage}-zoo", "zoo/feed_cat sqs:SendMessage testing-zoo"]
        self.assertEqual(list(seen.lines(logged, "test")), expected)


if __name__ == "__main__":
    unittest.main()
