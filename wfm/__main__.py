"""`python -m wfm …`"""

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["demo-tenant"] and "--json" not in sys.argv and all(map(str.isprintable, sys.argv)):
        # The desk waits for it at its start, so it does not wait for the desk's imports.
        from wfm.demo.command import demo_tenant

        demo_tenant(sys.argv[2:], prog_name="python -m wfm demo-tenant")
    else:
        from wfm.cli import main

        main()
