"""The app without a browser, as in tests/pages."""

from tests.pages.conftest import (  # noqa: F401
    busy_user,
    demo,
    library,
    nothing_goes_on,
    open_app,
    read,
)
