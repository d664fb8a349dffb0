"""A step of training in PyTorch, for tests/bench/torch.h: torch_train.py PRESET VOCAB B T THREADS f32|bf16 [RANK].

Prints tokens a second of the median of three steps after one, and the peak of memory in MiB. The models are
the presets of nn/preset.c: RMSNorm or LayerNorm, SwiGLU or GELU, grouped keys, rotary or learned positions;
AdamW on all of it, or on adapters of rank RANK beside all maps, the base frozen in bf16. Exit 3: no PyTorch.
"""
import resource
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(3)
import torch.nn.functional as F
from torch import nn

SHAPES = {  # layers channels heads kv_heads head_dim ffn
    "small": (9, 384, 6, 3, 64, 1024), "gpt2-124m": (12, 768, 12, 12, 64, 3072),
    "smollm2-135m": (30, 576, 9, 3, 64, 1536)}
preset, vocab, B, T, threads, precision = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
rank = int(sys.argv[7]) if len(sys.argv) > 7 else 0
L, C, H, K, D, FF = SHAPES[preset]
gpt2 = preset.startswith("gpt2")
torch.set_num_threads(threads)
torch.manual_seed(1)


class Low(nn.Module):
    """A frozen map in bf16, and an adapter beside it."""
    def __init__(self, i, o):
        super().__init__()
        self.base = nn.Linear(i, o, bias=False, dtype=torch.bfloat16)
        self.base.weight.requires_grad = False
        self.a, self.b = nn.Linear(i, rank, bias=False), nn.Linear(rank, o, bias=False)

    def forward(self, x):
        return self.base(x.to(torch.bfloat16)) + 2 * self.b(self.a(x))


def linear(i, o):
    return Low(i, o) if rank else nn.Linear(i, o, bias=gpt2)


class RMS(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(C), requires_grad=not rank)

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.gain


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = (nn.LayerNorm(C), nn.LayerNorm(C)) if gpt2 else (RMS(), RMS())
        self.qkv, self.o = linear(C, (H + 2 * K) * D), linear(H * D, C)
        self.up, self.down = linear(C, FF if gpt2 else 2 * FF), linear(FF, C)

    def forward(self, x, cos, sin, mask):
        q, k, v = self.qkv(self.n1(x)).split([H * D, K * D, K * D], -1)
        q, k, v = (z.view(B, T, -1, D).transpose(1, 2) for z in (q, k, v))
        if not gpt2:
            turn = lambda z: torch.cat((-z[..., D // 2:], z[..., :D // 2]), -1)
            q, k = q * cos + turn(q) * sin, k * cos + turn(k) * sin
        k, v = k.repeat_interleave(H // K, 1), v.repeat_interleave(H // K, 1).to(k.dtype)
        p = torch.softmax((q @ k.transpose(-1, -2)) / D ** 0.5 + mask, -1)
        x = x + self.o((p.to(v.dtype) @ v).transpose(1, 2).reshape(B, T, H * D))
        u = self.up(self.n2(x))
        if gpt2:
            return x + self.down(F.gelu(u, approximate="tanh"))
        g, u = u.chunk(2, -1)
        return x + self.down(F.silu(g) * u)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(vocab, C, dtype=torch.bfloat16 if rank else torch.float32)
        self.embed.weight.requires_grad = not rank
        self.positions = nn.Embedding(1024, C) if gpt2 else None
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.norm = nn.LayerNorm(C) if gpt2 else RMS()
        nn.init.normal_(self.embed.weight, std=0.02)

    def forward(self, ids):
        x = self.embed(ids).float()
        if gpt2:
            x = x + self.positions.weight[:T]
        angle = torch.arange(T)[:, None] * 1e4 ** (-torch.arange(0, D, 2) / D)
        angle = torch.cat((angle, angle), -1)
        mask = torch.full((T, T), float("-inf")).triu(1)
        for b in self.blocks:
            x = b(x, angle.cos(), angle.sin(), mask)
        x = self.norm(x)
        return F.linear(x.to(self.embed.weight.dtype) if rank else x, self.embed.weight)


m = Model()
for p in m.parameters() if rank else ():
    p.requires_grad = p.requires_grad and p.dtype == torch.float32
trained = [p for p in m.parameters() if p.requires_grad]
opt = torch.optim.AdamW(trained, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1)
ids = torch.randint(vocab, (B, T + 1))
times = []
for step in range(4):
    began = time.monotonic()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        logits = m(ids[:, :-1])
    loss = F.cross_entropy(logits.float().view(-1, vocab), ids[:, 1:].reshape(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(trained, 1.0)
    opt.step()
    times.append(time.monotonic() - began)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(B * T / sorted(times[1:])[1], peak)
