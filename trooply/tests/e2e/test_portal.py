"""The portal in a real Chromium, on a real installation."""

import base64
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from catalog.demo.__main__ import FOLDER as DEMO_PICTURES
from conftest import picture
from trooply.testing.picture_server import PictureServer

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
CARE = ("/import", "/jobs", "/quality", "/duplicates", "/attributes", "/moderation", "/webhooks", "/settings")
PAGES = ("/", "/products", "/search", "/search?query=red+dress", "/search-settings", "/custom-fields", *CARE, "/docs")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
# Playwright runs an event loop in the test's thread, in which Django then refuses to reach its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def session(chromium, installation):
    """The cookies of the demo shop's owner."""
    page = chromium.new_page(base_url=installation.base_url)
    sign_in(page, installation, installation.credentials["password"])
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    return page.context.storage_state()


@pytest.fixture
def page(chromium, installation, session) -> Iterator[Page]:
    """A page of the signed-in owner that fails the test when the browser complains."""
    context = chromium.new_context(base_url=installation.base_url, storage_state=session)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def sign_in(page, installation, password):
    page.goto("/sign-in")
    page.get_by_label("Email").fill(installation.credentials["email"])
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def results(page):
    return page.locator("#results").get_by_role("article")


def test_a_wrong_password_is_told_and_the_right_one_opens(chromium, installation):
    page = chromium.new_page(base_url=installation.base_url)
    page.goto("/products")
    assert page.url.endswith("/sign-in?next=/products")
    page.get_by_label("Email").fill(installation.credentials["email"])
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(installation.credentials["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/products")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_keeps_to_its_own_security_policy(page, path):
    response = page.goto(path)
    assert response.status == 200
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe-eval" not in policy
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("path", PAGES[:-1])
def test_no_page_is_wider_than_a_phone(page, path):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_keyboard_skips_to_the_content(page):
    page.goto("/products")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_words_find_products_without_leaving_the_page(page):
    page.goto("/search")
    page.evaluate("window.stayed = true")
    page.get_by_label("Words").fill("red dress")
    page.keyboard.press("Enter")
    expect(results(page).first).to_contain_text("Red Summer Dress")
    assert "query=red%20dress" in page.url
    assert page.evaluate("window.stayed")
    page.get_by_label("Category").select_option("footwear")
    expect(results(page).first).not_to_contain_text("Dress")


def test_an_address_with_words_is_a_search(page):
    page.goto("/search?query=red+dress")
    expect(results(page).first).to_contain_text("Red Summer Dress")


def test_a_chosen_picture_finds_its_product(page):
    page.goto("/search")
    page.locator("#image").set_input_files(DEMO_PICTURES / "demo-teddy-brown.webp")
    expect(results(page).first).to_contain_text("Brown Teddy Bear")
    expect(results(page).first).to_contain_text("Strong")


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_dropped_or_pasted_picture_finds_its_product(page, event):
    page.goto("/search")
    encoded = base64.b64encode((DEMO_PICTURES / "demo-guitar-tan.webp").read_bytes()).decode()
    page.evaluate(
        """([type, encoded]) => {
            const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "guitar.webp", { type: "image/webp" }));
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(
                type === "drop"
                    ? new DragEvent("drop", { ...options, dataTransfer: transfer })
                    : new ClipboardEvent("paste", { ...options, clipboardData: transfer }),
            );
        }""",
        [event, encoded],
    )
    expect(results(page).first).to_contain_text("Acoustic Guitar")


def test_find_similar_starts_from_a_result(page):
    page.goto("/search?query=red+dress")
    results(page).first.hover()
    page.get_by_role("link", name="Find similar to Red Summer Dress").click()
    expect(page.get_by_role("heading", name="Like this picture")).to_be_visible()
    expect(results(page).first).to_contain_text("Red Summer Dress")


def test_a_file_that_is_no_picture_is_explained(page, tmp_path):
    page.goto("/search")
    (tmp_path / "notes.png").write_text("no picture at all")
    page.locator("#image").set_input_files(tmp_path / "notes.png")
    expect(page.locator("#results").get_by_role("alert")).to_be_visible()


def test_ticked_products_are_deleted_after_a_question(page, installation):
    with PictureServer() as shop, installation.api() as api:
        for name in ("delete-me", "keep-me"):
            url = shop.serve(f"/{name}.jpg", picture())
            api.post("/v1/products", json={"product_id": name, "image_url": url, "metadata": {"name": name}})
        page.goto("/products?q=-me")
        page.get_by_label("Select delete-me").check()
        page.get_by_role("button", name="Delete …").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("This cannot be undone")
        dialog.get_by_role("button", name="Keep them").click()
        expect(page.get_by_text("2 products, page 1 of 1")).to_be_attached()
        page.get_by_role("button", name="Delete …").click()
        dialog.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("1 product deleted.")).to_be_visible()
        assert api.get("/v1/products/delete-me").status_code == 404
        assert api.get("/v1/products/keep-me").status_code == 200
        api.delete("/v1/products/keep-me")


def test_the_list_of_products_is_filtered_as_one_types(page):
    page.goto("/products")
    page.get_by_role("searchbox").fill("bicycle")
    expect(page.get_by_role("row")).to_have_count(3)
    assert "q=bicycle" in page.url


def test_sliders_and_numbers_tell_their_total_while_they_change(page):
    page.goto("/search-settings")
    total = page.locator("[data-total]")
    expect(total).to_have_text("100 of 100")
    page.get_by_label("Looks, per cent").fill("60")
    expect(total).to_have_text("103 of 100, 3 too many")
    page.get_by_label("Colours, slider").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("Colours, per cent")).to_have_value("0")
    expect(total).to_have_text("98 of 100, 2 to give")
    page.get_by_role("button", name="Scale to 100").click()
    expect(total).to_have_text("100 of 100")
    expect(page.get_by_label("Looks, per cent")).to_have_value("62")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.get_by_label("Looks, slider")).to_have_value("62")


def test_without_scripts_weights_are_plain_numbers(chromium, installation, session):
    context = chromium.new_context(base_url=installation.base_url, storage_state=session, java_script_enabled=False)
    page = context.new_page()
    page.goto("/search-settings")
    expect(page.get_by_role("slider")).to_have_count(0)
    page.get_by_label("Looks, per cent").fill("99")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("they must total 100.")).to_be_visible()
    expect(page.get_by_label("Looks, per cent")).to_have_value("99")
    context.close()


def test_a_custom_field_is_declared_and_deleted(page):
    page.goto("/custom-fields/new")
    expect(page.get_by_label("Choices, one a line")).to_be_hidden()
    page.get_by_label("Key in the metadata").fill("season")
    page.get_by_label("Type").select_option("Choice")
    page.get_by_label("Choices, one a line").fill("SS26\nAW26")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Season")).to_contain_text("SS26, AW26")
    page.get_by_role("button", name="Delete Season").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No custom fields yet")).to_be_visible()
