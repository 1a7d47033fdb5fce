"""Searches a catalogue in a pandas data frame, the way SkyPilot's catalogue does.

Reads the catalogue once, then answers one line per question: the nanoseconds that the search
took, and how many rows it found. `masks` is the least there is to do: masks for the conditions,
then a sort. `listing` is what a listing of accelerators does besides: memory read out of each
row's GpuInfo, duplicates dropped, groups made, and every row made into a tuple.
"""

import ast
import collections
import sys
import time

import pandas

Info = collections.namedtuple(
    "Info", "machine accelerator count cpus device_memory memory price spot_price region"
)


def narrow(frame):
    frame = frame[frame["DeviceMemoryGiB"] >= 24]
    frame = frame[frame["Reliability"] > 0.95]
    frame = frame[frame["Price"] < 0.5]
    return frame[frame["Region"].str.contains("^eu", case=False, regex=True)]


def everything(frame):
    return frame


def nested(frame):
    return frame


ORDERS = {
    narrow: (["Price", "DeviceMemoryGiB"], [True, False]),
    everything: (["Price"], [True]),
    nested: (["DeviceMemoryGiB", "Region", "Price"], [False, True, True]),
}


def masks(frame, query):
    keys, ascending = ORDERS[query]
    return query(frame).sort_values(by=keys, ascending=ascending)


def listing(frame, query):
    frame = frame[~frame["GpuInfo"].isna()].copy()
    info = frame["GpuInfo"].apply(ast.literal_eval)
    frame["DeviceMemoryGiB"] = info.apply(
        lambda row: row["Gpus"][0]["MemoryInfo"]["SizeInMiB"]
    ) / 1024.0
    found = query(frame.drop_duplicates())
    groups = {}
    for name, rows in found.groupby("AcceleratorName"):
        rows = rows.sort_values(by=["Price", "SpotPrice"])
        groups[name] = rows.apply(
            lambda row: Info(
                row["InstanceType"],
                row["AcceleratorName"],
                row["AcceleratorCount"],
                row["vCPUs"],
                row["DeviceMemoryGiB"],
                row["MemoryGiB"],
                row["Price"],
                row["SpotPrice"],
                row["Region"],
            ),
            axis="columns",
        ).tolist()
    return [info for infos in groups.values() for info in infos]


def main():
    frame = pandas.read_csv(sys.argv[1])
    queries = {"narrow": narrow, "everything": everything, "nested": nested}
    ways = {"masks": masks, "listing": listing}
    for line in sys.stdin:
        query, way = line.split()
        begin = time.perf_counter_ns()
        found = ways[way](frame, queries[query])
        elapsed = time.perf_counter_ns() - begin
        print(elapsed, len(found), flush=True)


main()
