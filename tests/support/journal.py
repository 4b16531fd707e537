"""A journal without a Redis: what several processes note, and which of them live."""

from collections import defaultdict

from affectstream.runtime.journal import Place


class Noticeboard:
    """What the processes share."""

    def __init__(self):
        self.calls = defaultdict(dict)  # states by name, of each process
        self.living, self.taken = set(), set()


class MemoryJournal:
    """One process's journal."""

    def __init__(self, board, owner):
        self.board, self.owner = board, owner
        board.living.add(owner)

    async def write(self, name, state):
        if (self.owner, name) in self.board.taken:
            return False
        self.board.calls[self.owner][name] = state
        return True

    async def forget(self, name):
        self.board.calls[self.owner].pop(name, None)

    async def find(self, names):
        others = [(owner, calls) for owner, calls in self.board.calls.items() if owner != self.owner]
        places = [Place(owner, name) for owner, calls in others for name in names if name in calls]
        return places[0] if places else None

    async def take(self, place):
        self.board.taken.add((place.owner, place.name))
        return self.board.calls[place.owner].pop(place.name, None)

    async def alive(self, owner):
        return owner in self.board.living

    async def dead(self):
        owners = self.board.calls.keys() - self.board.living
        return {owner: [Place(owner, name) for name in self.board.calls[owner]] for owner in owners}

    async def bury(self, owner):
        self.board.calls.pop(owner, None)
