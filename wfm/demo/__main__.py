"""`python -m wfm.demo --port 8808`: the demo tenant alone."""

from wfm.demo.command import demo_tenant

if __name__ == "__main__":
    demo_tenant(prog_name="python -m wfm.demo")
