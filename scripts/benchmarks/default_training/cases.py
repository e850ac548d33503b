"""The cases: data, and the overrides that a user of them would give, columns and horizon."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from default_training.made_up_panels import PANELS, made_up_panel

REPOSITORY = Path(__file__).resolve().parents[3] / "data"
HORIZONS = (96, 192, 336, 720)  # of the literature on long horizons
# Of the literature: steps of train, validation and test. What lies beyond is not used.
ETT_SPLITS = {"h": (8640, 2880, 2880), "m": (34560, 11520, 11520)}


@dataclasses.dataclass(frozen=True)
class Case:
    """One training: `pattern` of its files, or the name of a made-up panel."""

    name: str
    group: str
    overrides: tuple[str, ...]
    pattern: str | None = None  # None: made up
    published: tuple[str, int] | None = None  # data set and horizon, as published tables name them

    def data_path(self, folder: Path) -> str:
        """What `data.path` is; a made-up panel is written to `folder` first."""
        if self.pattern is not None:
            return self.pattern
        path = folder / f"{self.name}.csv"
        if not path.exists():
            made_up_panel(self.name).to_csv(path, index=False)
        return str(path)

    @property
    def is_here(self) -> bool:
        """Whether there is any file to train on."""
        if self.pattern is None:
            return True
        path = Path(self.pattern)
        return any(path.parent.glob(path.name))


def all_cases(data: Path | None) -> list[Case]:
    """Every case, of data at hand or not; `data`: the folder of those not in the repository."""
    made_up = [
        Case(name, "made_up", (f"horizon={panel.horizon}",)) for name, panel in PANELS.items()
    ]
    return [*made_up, *_of_repository(), *(_of_folder(data) if data is not None else ())]


def pick_cases(cases: Iterable[Case], names: str | None) -> list[Case]:
    """The cases with these names or of these groups, in their own order; None: all.

    names: separated by commas. Raises ValueError naming one that fits nothing.

    >>> [case.name for case in pick_cases(all_cases(None), "trends,repository")]
    ['trends', 'seattle', 'nyc_weather', 'load']
    """
    cases = list(cases)
    if names is None:
        return cases
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {case.name for case in cases} | {case.group for case in cases}
    for name in wanted:
        if name not in known:
            raise ValueError(f"no case or group is called `{name}`; there are {sorted(known)}")
    return [case for case in cases if case.name in wanted or case.group in wanted]


def split_absent(cases: Iterable[Case]) -> tuple[list[Case], list[str]]:
    """The cases whose files are here, and the patterns of files that are not."""
    here, absent = [], dict[str, None]()
    for case in cases:
        if case.is_here:
            here.append(case)
        else:
            absent[str(case.pattern)] = None
    return here, list(absent)


def _of_repository() -> list[Case]:
    """The data that come with the repository, see data/README.md."""
    return [
        Case(
            "seattle", "repository",
            ("data.time=date", "data.wide_columns_are=series", "horizon=14"),
            str(REPOSITORY / "seattle_weather.csv"),
        ),
        Case(
            "nyc_weather", "repository",
            ("data.time=time", "data.row=airport", "data.target=[temp,humid,wind_speed]",
             "data.past_covariates=pressure", "horizon=24"),
            str(REPOSITORY / "nyc_weather.csv"),
        ),
        Case(
            "load", "repository",
            ("data.time=time", "data.timezone=Europe/Berlin", "data.id=area", "data.target=load",
             "data.past_covariates=[{name:solar,delay:3}]",
             "data.future_covariates=[temperature,holiday]",
             "data.static_covariates=[kind,population]", "data.categories=[holiday,kind]",
             "horizon=48"),
            str(REPOSITORY / "load.csv.gz"),
        ),
    ]  # fmt: skip


def _of_folder(data: Path) -> list[Case]:
    """Published data sets; the test parts are those of the literature or of the experiments."""
    ett = [
        Case(
            f"{name.lower()}_{horizon}", name.lower(),
            ("data.time=date", "data.wide_columns_are=series", f"horizon={horizon}",
             *_split(*ETT_SPLITS[name[3]])),
            str(data / "ett" / f"{name}.csv"), (name, horizon),
        )
        for name in ("ETTh1", "ETTh2", "ETTm1", "ETTm2")
        for horizon in HORIZONS
    ]  # fmt: skip
    tourism = ("data.time=ds", "data.target=nights", "horizon=12", "split.test_size=24")
    tourism_path = str(data / "tourism" / "tourism.csv")
    return [
        *ett,
        Case("tourism", "tourism", ("data.id=region", "data.row=purpose", *tourism), tourism_path),
        # The same, by a user who knows of no rows.
        Case("tourism_series", "tourism", ("data.id=[region,purpose]", *tourism), tourism_path),
        Case(
            "beijing_air", "beijing_air",
            ("data.time=[year,month,day,hour]", "data.id=null", "data.row=station",
             "data.target=[PM2.5,TEMP,O3]",
             "data.past_covariates=[PM10,SO2,NO2,CO,PRES,DEWP,RAIN,WSPM]",
             "data.bad_values=missing", "horizon=24", "split.test_size=8760"),
            str(data / "beijing_air" / "*.csv"),
        ),
        # The files of training and test follow one another: the last 48 steps are the test.
        Case(
            "m4_hourly", "m4_hourly", ("horizon=48", "split.test_size=48"),
            str(data / "m4_hourly" / "*.csv"), ("M4 Hourly", 48),
        ),
    ]  # fmt: skip


def _split(train: int, val: int, test: int) -> tuple[str, ...]:
    return f"split.train_size={train}", f"split.val_size={val}", f"split.test_size={test}"
