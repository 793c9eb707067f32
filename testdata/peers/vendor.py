"""Walks the vendor: closed conversations, window by window, page by page."""

import argparse
import datetime as dt
from collections.abc import Iterator

import requests

QUERY = """query($interval: DateTimeInterval!, $first: Int, $after: String) {
  closedConversations(interval: $interval, first: $first, after: $after) {
    edges { cursor node {
      id createdAt closedAt channel duration language tags { id name } project { id name }
      satisfactionSurvey { customerSatisfaction netPromoterScore comment }
      conversions { transactions { id externalConversionId amount currency receivedAt } }
    } }
    pageInfo { endCursor hasNextPage }
  }
}"""


def asked() -> argparse.Namespace:
    """What the command line asks for: a vendor, and days, the last included."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--from", dest="first", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--to", dest="last", type=dt.date.fromisoformat, required=True)
    return parser.parse_args()


def windows(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """Cuts the days at months: from, and the day after."""
    end = last + dt.timedelta(days=1)
    while first < end:
        month = (first.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        yield first, min(month, end)
        first = month


def pages(url: str, first: dt.date, end: dt.date) -> Iterator[requests.Response]:
    """The pages of one window, end not included, each as the vendor answered it."""
    with requests.Session() as session:
        token = session.post(url + "/oauth2/token", data={"grant_type": "password"})
        token.raise_for_status()
        session.headers["Authorization"] = "Bearer " + token.json()["access_token"]
        variables = {"interval": {"from": f"{first}T00:00:00Z", "to": f"{end}T00:00:00Z"}, "first": 100}
        while True:
            page = session.post(url + "/graphql", json={"query": QUERY, "variables": variables})
            page.raise_for_status()
            yield page
            # The end of a page says whether another follows: no need to parse it all.
            info = page.content[page.content.rindex(b'"pageInfo"'):]
            if b'"hasNextPage":true' not in info:
                return
            variables["after"] = info.split(b'"endCursor":"', 1)[1].split(b'"', 1)[0].decode()
