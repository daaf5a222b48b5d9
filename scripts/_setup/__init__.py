"""What the two commands share: the virtual environment, the front end, the browser.

Only the standard library is used here: these modules run before anything is installed.
"""
