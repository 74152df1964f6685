"""The page of a trace in headless Chromium: what it shows, by mouse and by keyboard, light, dark and narrow.

`make test-browser` runs it; it needs Chromium, its driver (Debian: chromium, chromium-driver) and selenium.
MARKOVLIB_SCREENSHOTS names a folder in which pictures of the page are left.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
from collections.abc import Iterable
from pathlib import Path

import pytest

from markovlib import RuleSet

webdriver = pytest.importorskip("selenium.webdriver", reason="NO SELENIUM: pip install '.[browser-test]'")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="NO CHROMIUM: apt-get install chromium chromium-driver"),
]

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-device-scale-factor=1",
    "--window-size=1280,1000",
]  # fmt: skip

BINARY = RuleSet([("|0", "0||"), ("1", "0|"), ("0", "")])
MILLION = RuleSet([("ba", "ab")]), "b" * 1000 + "a" * 1000


class Browser:
    """A page in Chromium, and what a reader does with it."""

    def __init__(self, driver, folder: Path) -> None:
        self.driver, self.folder = driver, folder

    def open(self, trace, title: str = "A run", fragment: str = "") -> None:
        path = self.folder / "run.html"
        trace.write_html(path, title)
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + fragment)
        self.wait(lambda: self.js("return document.documentElement.dataset.ready === 'yes'"))

    def js(self, script: str, *args):
        return self.driver.execute_script(script, *args)

    def js_async(self, script: str, *args):
        """The value of an async function's body, awaited."""
        call = "const done = arguments[arguments.length - 1]; (async (...args) => {%s})(...arguments).then(done)"
        return self.driver.execute_async_script(call % script, *args)

    def wait(self, condition, seconds: float = 20) -> None:
        WebDriverWait(self.driver, seconds, 0.02).until(lambda _: condition())

    def find(self, css: str):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        return self.js("return document.querySelector(arguments[0]).textContent", css)

    def keys(self, *keys: str) -> None:
        """Keys go to whatever has the focus, as those of a keyboard do."""
        actions = webdriver.ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def shifted(self, key: str) -> None:
        webdriver.ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()

    @property
    def at(self) -> int:
        return self.js("return state.at")

    def scheme(self, name: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def size(self, width: int, height: int) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def screenshot(self, name: str) -> None:
        if folder := os.environ.get("MARKOVLIB_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def problems(self) -> list[str]:
        """What the page has complained of, or asked of a network."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return messages + self.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver, tmp_path):
    browser = Browser(driver, tmp_path)
    browser.scheme("light")
    browser.size(1280, 1000)
    yield browser
    assert browser.problems() == []


def marks(browser: Browser, css: str) -> list[list[str]]:
    script = "return [...document.querySelectorAll(arguments[0] + ' mark')].map((m) => [m.className, m.textContent])"
    return browser.js(script, css)


# ---- what is shown -----------------------------------------------------------------------------------------------


def test_each_step_shows_word_match_rule_and_what_becomes(browser):
    trace = BINARY.trace("101")
    browser.open(trace, "Binary to unary")
    browser.screenshot("page-light")
    assert browser.driver.title == browser.text("h1") == "Binary to unary"
    assert browser.text("#outcome") == "halted after 8 steps: no rule applies"
    assert browser.text("#total") == "of 8"
    for i, step in enumerate(trace):
        rule = BINARY[step.rule]
        assert browser.at == i
        assert browser.text("#heading") == f"Step {i + 1}"
        assert browser.text("#before") == trace.before(i)
        assert "".join(text for name, text in marks(browser, "#before") if "match" in name) == rule.pattern
        assert browser.text("#after").removesuffix("ε") == step.word
        assert [t for _, t in marks(browser, "#after")] == [rule.replacement]
        assert browser.text("#rule") == f"{step.rule + 1}: {rule.pattern}→{rule.replacement or 'ε'}"
        assert browser.text("#place").startswith(f"match at position {step.position};")
        assert browser.text("#rules [aria-current]").startswith(f"{step.rule + 1}{rule.pattern}→")
        assert browser.text("#rows tr[aria-current] td:first-child") == str(i + 1)
        assert browser.js("return document.querySelectorAll('#rows tr').length") == 9
        browser.keys(Keys.ARROW_RIGHT)
    assert browser.at == 8
    assert browser.text("#heading") == "End: halted after 8 steps: no rule applies"
    assert browser.text("#before") == trace.word
    assert not browser.find("#after").is_displayed()
    assert not browser.find("#forward").is_enabled()
    browser.screenshot("page-end")


def test_rules_say_how_often_they_fired(browser):
    trace = BINARY.trace("101")
    browser.open(trace)
    times = browser.js("return [...document.querySelectorAll('#rules .times')].map((e) => e.textContent)")
    assert times == [f"{n}×" for n in trace.result.fired.tolist()]
    browser.open(RuleSet([("b", "c", True), ("x", "y")]).trace("ab"))
    assert browser.text("#rules li:nth-child(2) .times") == "never"
    assert browser.text("#rules li:first-child code") == "b→.c"


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ([("语", "é"), ("é", ""), ("😀", "语语")], "a😀é语"),
        ([("\n", "\t\u202e"), ("\u202e", "א")], "a\nבb"),
        ([(b"\xff", b"\xc3\xa9"), (b"\xc3", b"<"), (b"\xa9", b"\x00")], b"\xffa\xf0\x9f\x98\x80\xed\xa0\x80\xff"),
        ([("", "x"), ("xxx", "", True)], "a b  c"),
    ],
)
def test_letters_of_all_kinds_are_those_of_the_text(browser, rules, word):
    from markovlib.seeing.lines import letters

    trace = RuleSet(rules).trace(word, max_steps=6)
    browser.open(trace)
    for i, step in enumerate(trace):
        pieces = [trace.before(i)[: step.position], RuleSet(rules)[step.rule].pattern]
        pieces.append(trace.before(i)[sum(map(len, pieces)) :])
        if i == 0:
            assert browser.text("#before") == "".join(map(letters, pieces))
        assert browser.text("#place").startswith(f"match at position {step.position};")
        length = len(trace.before(i))
        assert browser.text("#place").endswith(f"{length} letter{'s' * (length != 1)}")
        browser.keys(Keys.ARROW_RIGHT)


def test_every_word_is_replayed_from_wherever_the_reader_is(browser):
    random.seed(6)
    trace = RuleSet([("ba", "ab"), ("éa", "aé"), ("bb", "c")]).trace("bé" * 70 + "a" * 90)
    browser.open(trace)
    words = list(trace.words())
    for at in [random.randrange(len(words)) for _ in range(60)]:
        decoded = "return new TextDecoder().decode(run.moveTo(arguments[0]).bytes())"
        assert browser.js(decoded, at) == words[at]
    assert browser.js("return [...run.letters]") == [len(word) for word in words]


def test_a_trace_of_the_last_steps_keeps_its_numbers(browser):
    browser.open(RuleSet([("a", "b")]).trace("a" * 50, last=5))
    assert browser.text("#heading") == "Step 46"
    assert browser.text("#outcome").endswith("; the last 5 are here")
    browser.keys("g", "48", Keys.ENTER)
    assert (browser.at, browser.text("#heading")) == (2, "Step 48")


def test_a_run_without_steps(browser):
    browser.open(RuleSet([("a", "b")]).trace(""))
    assert browser.text("#heading") == "End: halted after 0 steps: no rule applies"
    assert browser.text("#before") == "ε"
    browser.keys(Keys.SPACE, Keys.ARROW_RIGHT, Keys.HOME, Keys.END)
    assert browser.at == 0


def test_hostile_content_is_shown_and_does_nothing(browser):
    evil = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">{{data}}&lt;"
    trace = RuleSet([(evil, evil + "\u2028"), ("x", evil)]).trace("x" + evil, max_steps=3)
    browser.open(trace, evil)
    assert browser.driver.title == evil
    assert browser.text("#before") == "x" + evil
    browser.keys("/", evil, Keys.ENTER)
    browser.keys(Keys.ESCAPE, Keys.END)
    assert browser.driver.title == evil
    assert browser.js("return document.querySelectorAll('img, script').length") == 2
    # Were something injected all the same, the page's policy would keep it from running.
    browser.js(
        "document.body.append(document.createElement('script')); document.body.lastChild.text = 'document.title = 1'"
    )
    assert browser.driver.title == evil
    assert any("Content Security Policy" in message for message in browser.problems())


# ---- keyboard and mouse ------------------------------------------------------------------------------------------


def test_every_key_does_what_the_help_says(browser):
    trace = RuleSet([("a", "b")]).trace("a" * 3000)
    browser.open(trace)
    for key, at in [
        (Keys.ARROW_RIGHT, 1), (Keys.ARROW_RIGHT, 2), (Keys.ARROW_LEFT, 1), (Keys.PAGE_DOWN, 11), (Keys.PAGE_UP, 1),
        (Keys.END, 3000), (Keys.ARROW_RIGHT, 3000), (Keys.HOME, 0), (Keys.ARROW_LEFT, 0), (Keys.PAGE_UP, 0),
    ]:  # fmt: skip
        browser.keys(key)
        assert browser.at == at
    browser.shifted(Keys.PAGE_DOWN)
    assert browser.at == 1000
    browser.keys("g", "77", Keys.ENTER, Keys.ESCAPE)
    assert browser.at == 76
    browser.keys("t")
    assert browser.js("return document.documentElement.dataset.theme") == "dark"
    browser.keys("?")
    assert browser.find("#keys").is_displayed()
    browser.screenshot("page-help")
    browser.keys(Keys.ESCAPE)
    assert not browser.find("#keys").is_displayed()
    assert browser.at == 76


def test_space_plays_and_pauses(browser):
    browser.open(RuleSet([("a", "b")]).trace("a" * 3000))
    browser.js("document.querySelector('#speed').value = '30'")
    browser.keys(Keys.SPACE)
    browser.wait(lambda: browser.at >= 10)
    assert browser.find("#play").get_attribute("aria-label") == "Pause"
    browser.keys(Keys.SPACE)
    at = browser.at
    assert at < 300
    assert browser.find("#play").get_attribute("aria-label") == "Play"
    browser.js("document.querySelector('#speed').value = '3000'")
    browser.keys(Keys.SPACE)
    browser.wait(lambda: browser.at == 3000)
    browser.wait(lambda: browser.find("#play").get_attribute("aria-label") == "Play")


def test_buttons_slider_curve_rows_and_rules_can_be_pressed(browser):
    browser.open(BINARY.trace("101"))
    for name, at in [("forward", 1), ("forward", 2), ("back", 1), ("last", 8), ("first", 0)]:
        browser.find(f"#{name}").click()
        assert browser.at == at
    browser.find("#rows tr:nth-child(4)").click()
    assert browser.at == 3
    browser.find("#curve").click()
    assert browser.at == 4
    browser.js("const s = document.querySelector('#slider'); s.value = 6; s.dispatchEvent(new Event('input'))")
    assert browser.at == 6
    browser.find("#first").click()
    browser.find("#rules li:nth-child(3) button").click()
    fires = [i for i, step in enumerate(BINARY.trace("101")) if step.rule == 2]
    assert browser.at == fires[0]
    assert browser.text("#found") == f"Rule 3 fires at step {fires[0] + 1}."


def test_the_address_leads_to_a_step(browser):
    browser.open(BINARY.trace("101"), fragment="#step=4")
    assert browser.at == 3
    browser.keys(Keys.ARROW_RIGHT)
    browser.wait(lambda: browser.driver.current_url.endswith("#step=5"))
    browser.open(BINARY.trace("101"), fragment="#step=end")
    assert browser.at == 8


def test_what_is_typed_for_a_step_may_be_wrong(browser):
    browser.open(BINARY.trace("101"))
    browser.keys("g", "abc", Keys.ENTER)
    assert browser.find("#step").get_attribute("aria-invalid") == "true"
    assert browser.text("#found") == 'Type a step\'s number, up to 8, or "end".'
    browser.keys(Keys.ESCAPE, "g", "1,000", Keys.ENTER)
    assert browser.at == 8


# ---- searching ---------------------------------------------------------------------------------------------------


def test_search_for_a_rule_by_keyboard(browser):
    trace = BINARY.trace("1101")
    browser.open(trace)
    fires = [i for i, step in enumerate(trace) if step.rule == 1]
    browser.js("document.querySelector('#kind').value = 'rule'")
    browser.keys("/", "2", Keys.ENTER)
    assert browser.at == fires[1]
    browser.keys(Keys.ESCAPE, "n")
    assert browser.at == fires[2]
    browser.keys("n")
    assert (browser.at, browser.text("#found")) == (fires[2], "Rule 2 does not fire after this step.")
    browser.keys("N")
    assert browser.at == fires[1]
    browser.keys("/", "9", Keys.ENTER)
    assert browser.text("#found") == "Type the number of a rule, 1 to 3."


def test_search_for_letters_by_keyboard(browser):
    trace = BINARY.trace("1101")
    browser.open(trace)
    words = list(trace.words())
    hits = [i for i, word in enumerate(words) if "0|||" in word]
    browser.keys("/", "0|||", Keys.ENTER)
    browser.wait(lambda: browser.text("#found").startswith("Found"))
    assert browser.at == hits[0]
    assert any("found" in name for name, _ in marks(browser, "#before"))
    browser.screenshot("page-search")
    browser.keys(Keys.ESCAPE, "n")
    browser.wait(lambda: browser.at == hits[1])
    browser.keys("N")
    browser.wait(lambda: browser.at == hits[0])
    browser.keys("N")
    browser.wait(lambda: browser.text("#found") == "No word before this one contains it.")
    browser.keys("/", Keys.BACKSPACE, Keys.ENTER)
    browser.wait(lambda: browser.text("#found") == "Type the letters to look for.")
    assert not any("found" in name for name, _ in marks(browser, "#before"))


@pytest.mark.parametrize(
    ("typed", "word"),
    [(r"\n", "a\n"), (r"\\n", r"a\n"), (r"\u202e", "\u202ea"), ("é", "é"), (r"\U0001f600", "😀"), (r"\q", r"\q")],
)
def test_escapes_in_a_search(browser, typed, word):
    rules = RuleSet([("x", word, True)])
    browser.open(rules.trace("x"))
    browser.keys("/", typed, Keys.ENTER)
    browser.wait(lambda: browser.text("#found") == "Found in the word at the end.")
    browser.open(RuleSet([(b"x", word.encode(), True)]).trace(b"x"))
    browser.keys("/", "".join(f"\\x{byte:02x}" for byte in word.encode()), Keys.ENTER)
    browser.wait(lambda: browser.text("#found") == "Found in the word at the end.")


def test_search_finds_what_looking_at_every_word_finds(browser):
    random.seed(7)
    rules = RuleSet([("ba", "abb"), ("bbb", ""), ("éé", "a"), ("", "éb")])
    trace = rules.trace("abéba" * 3, max_steps=150, max_length=200)
    words = list(trace.words())
    browser.open(trace)
    script = "return run.findFragment(new TextEncoder().encode(args[0]), args[1], args[2], () => true)"
    for _ in range(150):
        word = random.choice(words)
        start = random.randrange(max(1, len(word)))
        fragment = word[start : start + random.randint(1, 6)] or "a"
        start, direction = random.randrange(len(words)), random.choice([1, -1])
        places = range(start + 1, len(words)) if direction > 0 else range(start - 1, -1, -1)
        expected = next((i for i in places if fragment in words[i]), -1)
        assert browser.js_async(script, fragment, start, direction) == expected


# ---- light, dark, narrow, and for everybody ----------------------------------------------------------------------

CONTRAST = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const hasText = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const found = [...document.querySelectorAll("body *")].filter(
  (e) => e.checkVisibility() && !e.disabled && !e.closest("svg, script, style") && hasText(e));
if (found.length < 40) throw new Error("what is looked at?");
return found.map((e) => {
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), `${e.tagName}#${e.id}.${e.className} ${e.textContent.slice(0, 20)}`];
}).filter(([ratio]) => ratio < 4.5);
"""
"""What has less contrast than WCAG 2 asks of text at level AA, and how much."""

OUTSIDE = """
return [...document.querySelectorAll("button, input, select")].filter((e) => e.checkVisibility())
  .map((e) => [e.id, e.getBoundingClientRect()])
  .filter(([, box]) => box.left < 0 || box.right > innerWidth).map(([id]) => id);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_system_and_the_toggle_and_is_readable(browser, scheme):
    browser.scheme(scheme)
    browser.open(RuleSet([("\x00", "é"), ("b", "", True), ("z", "y")]).trace("a\x00b" * 5), "Contrast")
    browser.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    browser.screenshot(f"contrast-{scheme}")
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert browser.js(paper) == {"light": "rgb(255, 255, 255)", "dark": "rgb(19, 22, 28)"}[scheme]
    assert browser.js(CONTRAST) == []
    assert browser.text("#theme") == {"light": "Dark", "dark": "Light"}[scheme]
    browser.find("#theme").click()
    assert browser.js(paper) == {"dark": "rgb(255, 255, 255)", "light": "rgb(19, 22, 28)"}[scheme]
    assert browser.js(CONTRAST) == []
    browser.keys("?")
    assert browser.js(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 480, 768, 1100])
def test_a_narrow_window_scrolls_in_one_direction(browser, width):
    browser.size(width, 800)
    browser.open(RuleSet([("ba", "ab"), ("x" * 300, "y")]).trace("ba" * 400), "A long title " * 9)
    browser.screenshot(f"page-{width}")
    page = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert browser.js(page) <= 0
    assert browser.js(OUTSIDE) == []


def test_everything_has_a_name_and_is_reached_by_tab(browser):
    browser.open(BINARY.trace("101"))
    browser.keys(Keys.ARROW_RIGHT)
    nodes = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "textbox", "searchbox", "combobox", "slider", "image", "region", "search"}
    named = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in roles]
    assert len(named) > 15
    assert [node for node in named if not node.get("name", {}).get("value")] == []
    reached = set()
    for _ in range(40):
        browser.keys(Keys.TAB)
        reached.add(browser.js("return document.activeElement.id || document.activeElement.dataset.rule"))
        outline = browser.js("return getComputedStyle(document.activeElement).outline")
        assert "solid 3px" in outline or browser.js("return document.activeElement === document.body")
    assert {"theme", "help", "first", "back", "play", "forward", "last", "speed", "step", "kind", "query", "previous",
            "slider", "before", "after", "0", "1", "2"} <= reached  # fmt: skip


def test_the_step_is_announced(browser):
    browser.open(BINARY.trace("101"))
    browser.keys(Keys.ARROW_RIGHT)
    assert browser.find("#live").get_attribute("aria-live") == "polite"
    assert browser.text("#live").startswith("Step 2. match at position")


# ---- long runs ---------------------------------------------------------------------------------------------------


def times(browser: Browser, calls: Iterable[str]) -> dict[str, float]:
    """The median of what calls take, which other programs of a busy machine hardly change, and the greatest."""
    found = [timed(browser, call) for call in calls]
    return {"median ms": statistics.median(found), "most ms": max(found)}


def timed(browser: Browser, call: str) -> float:
    """Milliseconds that a call takes until the page has been laid out again."""
    script = "const t = performance.now(); await (%s); document.body.getBoundingClientRect();"
    return browser.js_async(script % call + " return performance.now() - t")


def report(name: str, **figures: float | dict[str, float]) -> None:
    """Prints what was measured, for the documentation."""
    print(f"\n{name}")
    for what, value in figures.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        print(f"  {what}: " + ", ".join(f"{name} {number:,.1f}".strip() for name, number in parts))


def kilobytes(browser: Browser) -> float:
    return (browser.folder / "run.html").stat().st_size / 1000


def test_a_million_steps_stay_usable(browser):
    rules, word = MILLION
    trace = rules.trace(word)
    assert len(trace) == 1_000_000
    browser.open(trace)
    random.seed(8)
    loaded, size = browser.js("return state.loaded"), kilobytes(browser)
    jumps = times(browser, [f"jump({random.randrange(1_000_000)})" for _ in range(50)])
    steps = times(browser, [f"jump(state.at {way} 1)" for way in "+-" * 25])
    browser.keys(Keys.HOME)
    browser.js("document.querySelector('#query').value = 'ababab'")
    search = timed(browser, "search(1)")
    assert browser.text("#found") == "No word after this one contains it."
    rule = timed(browser, "searchForRule(0)")
    report("10^6 steps", kB=size, loaded=loaded, jumps=jumps, steps=steps, search_of_all=search, rule=rule)
    browser.keys(Keys.HOME)
    browser.keys("g", "500000", Keys.ENTER, Keys.ESCAPE)
    assert browser.text("#heading") == "Step 500,000"
    browser.screenshot("page-million")
    assert browser.js("return new TextDecoder().decode(run.word.bytes())") == trace.before(499_999)
    assert size < 200
    assert jumps["median ms"] < 250
    assert steps["median ms"] < 100
    assert search < 30_000


def test_long_words_stay_usable(browser):
    trace = RuleSet([("ab", "ba")]).trace("ab" * 50_000, max_steps=100_000)
    browser.open(trace)
    jumps = times(browser, [f"jump({target})" for target in (99_999, 3, 50_000, 75_123, 20_000)])
    steps = times(browser, [f"jump(state.at {way} 1)" for way in "+-" * 25])
    report("10^5 letters, 10^5 steps", kB=kilobytes(browser), jumps=jumps, steps=steps)
    browser.screenshot("page-long")
    assert "of 100,000 letters" in browser.text("#place")
    assert len(browser.text("#before")) < 1500
    assert jumps["median ms"] < 500
    assert steps["median ms"] < 150


def test_long_rules_are_cut(browser):
    trace = RuleSet([("é" * 5000, "b" * 9000, True)]).trace("x" * 9000 + "é" * 5000)
    browser.open(trace)
    assert browser.text("#rules code") == f"{'é' * 60}…→.{'b' * 120}…"
    assert len(browser.text("#before")) < 1500
    assert browser.text("#place").startswith("match at position 9,000; here are positions 8,9")
    browser.keys(Keys.END)
    assert browser.js("return run.word.length") == 18_000


def test_a_search_that_takes_long_can_be_stopped(browser):
    rules, word = MILLION
    browser.open(rules.trace(word))
    browser.keys("/", "abab", Keys.ENTER)
    browser.keys(Keys.ESCAPE)
    browser.wait(lambda: not browser.text("#found").startswith("Searching"))
    assert browser.at in (0, 1, 2, 999, 1000) or browser.text("#found").startswith(("Stopped", "Found"))


def test_a_browser_that_cannot_unpack_says_so(browser):
    browser.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": "delete window.DecompressionStream"}
    )
    path = browser.folder / "run.html"
    BINARY.trace("101").write_html(path)
    browser.driver.get(path.as_uri())
    browser.wait(lambda: browser.find("#problem").is_displayed())
    assert browser.text("#problem") == "The run cannot be shown: this browser is too old to unpack the run."
    assert json.loads(browser.text("#data"))["halted"] is True
