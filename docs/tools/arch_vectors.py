"""Checkpoints of decoder variants with random weights, and the logits and residual streams they give.

Writes the folders of tests/vectors/arch that SOURCE.txt says are this script's. The references are computed in float64
from the stored weights, from the published definitions and the Hugging Face names, by code that shares nothing with the
engine. Needs torch and numpy:   python3 docs/tools/arch_vectors.py tests/vectors/arch
"""
import json
import math
import os
import random
import shutil
import struct
import sys

import torch

OUT = sys.argv[1] + "/"


NAMES = {torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.float64: 'F64', torch.int32: 'I32', torch.uint8: 'U8', torch.bool: 'BOOL', torch.int64: 'I64'}


def raw(t):
    t = t.contiguous()
    if t.dtype == torch.bfloat16:
        return t.view(torch.int16).numpy().tobytes()
    return t.numpy().tobytes()


def save(path, tensors, meta={'format': 'pt'}, shuffle=None):
    head = {}
    if meta:
        head['__metadata__'] = meta
    off = 0
    blobs = []
    keys = sorted(tensors)
    if shuffle:
        shuffle.shuffle(keys)
    for k in keys:
        b = raw(tensors[k])
        head[k] = {'dtype': NAMES[tensors[k].dtype], 'shape': list(tensors[k].shape), 'data_offsets': [off, off + len(b)]}
        off += len(b)
        blobs.append(b)
    h = json.dumps(head).encode()
    h += b' ' * ((8 - len(h) % 8) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(h)))
        f.write(h)
        for b in blobs:
            f.write(b)


D = torch.float64


def rms(x, w, eps, one=False):
    y = x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)
    return y * (1 + w) if one else y * w


def ln(x, w, b, eps):
    m = x.mean(-1, keepdim=True)
    v = ((x - m) ** 2).mean(-1, keepdim=True)
    return (x - m) / torch.sqrt(v + eps) * w + b


def act(name):
    return {'silu': lambda x: x * torch.sigmoid(x), 'swish': lambda x: x * torch.sigmoid(x), 'gelu': lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))), 'gelu_python': lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))), 'gelu_new': lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))), 'gelu_fast': lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608 * x * (1 + 0.044715 * x * x))), 'gelu_pytorch_tanh': lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))), 'relu': lambda x: torch.relu(x)}[name]


def inv_freq(p, theta, dim, maxpos, top_orig, n):
    """p: rope dict; returns freqs, scale"""
    kind = p.get('rope_type', p.get('type', 'default')) if p else 'default'
    theta = p.get('rope_theta', theta) if p else theta
    base = torch.tensor([theta ** (-2 * i / dim) for i in range(dim // 2)], dtype=D)
    if kind == 'default':
        return (base, 1.0)
    if kind == 'linear':
        return (base / p['factor'], 1.0)
    if kind == 'dynamic':
        assert n <= maxpos, 'beyond the trained length'
        return (base, 1.0)
    if kind == 'llama3':
        f, lo, hi, o = (p['factor'], p['low_freq_factor'], p['high_freq_factor'], p['original_max_position_embeddings'])
        out = []
        for w in base.tolist():
            wl = 2 * math.pi / w
            if wl < o / hi:
                out.append(w)
            elif wl > o / lo:
                out.append(w / f)
            else:
                s = (o / wl - lo) / (hi - lo)
                out.append((1 - s) * w / f + s * w)
        return (torch.tensor(out, dtype=D), 1.0)
    if kind == 'yarn':
        o = p.get('original_max_position_embeddings') or top_orig or maxpos
        f = p.get('factor') or maxpos / o

        def ms(s, m=1):
            return 1.0 if s <= 1 else 0.1 * m * math.log(s) + 1
        af = p.get('attention_factor')
        if af is None:
            if p.get('mscale') and p.get('mscale_all_dim'):
                af = ms(f, p['mscale']) / ms(f, p['mscale_all_dim'])
            else:
                af = ms(f)
        bf = p.get('beta_fast') or 32
        bs = p.get('beta_slow') or 1
        cd = lambda r: dim * math.log(o / (r * 2 * math.pi)) / (2 * math.log(theta))
        lo, hi = (cd(bf), cd(bs))
        if p.get('truncate', True):
            lo, hi = (math.floor(lo), math.ceil(hi))
        lo = max(lo, 0)
        hi = min(hi, dim - 1)
        if lo == hi:
            hi += 0.001
        ramp = ((torch.arange(dim // 2, dtype=D) - lo) / (hi - lo)).clamp(0, 1)
        return (base / f * ramp + base * (1 - ramp), af)
    if kind in ('longrope', 'su'):
        o = p.get('original_max_position_embeddings') or top_orig or maxpos
        f = maxpos / o if top_orig else p.get('factor') or maxpos / o
        af = p.get('attention_factor')
        if af is None:
            af = 1.0 if f <= 1 else math.sqrt(1 + math.log(f) / math.log(o))
        ext = torch.tensor(p['long_factor'] if n > o else p['short_factor'], dtype=D)
        return (base / ext, af)
    raise ValueError(kind)


def rope(x, freq, scale, rd):
    n = x.shape[1]
    ang = torch.arange(n, dtype=D)[:, None] * freq[None]
    c, s = (torch.cos(ang) * scale, torch.sin(ang) * scale)
    a, b = (x[..., :rd // 2], x[..., rd // 2:rd])
    return torch.cat([a * c - b * s, b * c + a * s, x[..., rd:]], -1)


def attend(q, k, v, scale, window=None, cap=None, sinks=None):
    H, n, _ = q.shape
    g = H // k.shape[0]
    k = k.repeat_interleave(g, 0)
    v = v.repeat_interleave(g, 0)
    s = q @ k.transpose(1, 2) * scale
    if cap:
        s = cap * torch.tanh(s / cap)
    i = torch.arange(n)
    ok = i[None, :] <= i[:, None]
    if window:
        ok &= i[:, None] - i[None, :] < window
    s = s.masked_fill(~ok, -math.inf)
    if sinks is not None:
        s = torch.cat([s, sinks[:, None, None].expand(H, n, 1)], -1)
        return torch.softmax(s, -1)[..., :n] @ v
    return torch.softmax(s, -1) @ v


def heads(x, h):
    return x.view(x.shape[0], h, -1).transpose(0, 1)


def unheads(x):
    return x.transpose(0, 1).reshape(x.shape[1], -1)


def lin(T, name, x):
    y = x @ T[name + '.weight'].t()
    return y + T[name + '.bias'] if name + '.bias' in T else y


MX = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]


def mxfp4(blocks, scales):
    lut = torch.tensor(MX, dtype=D)
    v = torch.stack([lut[(blocks & 15).long()], lut[(blocks >> 4).long()]], -1).flatten(-2)
    return (v * torch.pow(torch.tensor(2.0, dtype=D), scales.to(D) - 127)[..., None]).flatten(-2)


def forward(cfg, T0, ids, pre):
    T = {k: v.to(D) if v.dtype.is_floating_point else v for k, v in T0.items()}
    mt = cfg['model_type']
    R = []
    c = cfg
    if mt == 'gemma3':
        c = dict(cfg['text_config'])
    n = len(ids)
    ids = torch.tensor(ids)
    g = c.get
    if mt == 'gpt_neox':
        return neox(c, T, ids, pre)
    gem = mt.startswith('gemma')
    gem3 = mt.startswith('gemma3')
    H = g('num_attention_heads', 8 if gem else 32)
    Hd = c['hidden_size']
    KV = g('num_key_value_heads') or {'llama': H, 'phi3': H, 'olmo2': H, 'mistral': 8, 'qwen2': 32, 'qwen3': 32, 'qwen3_moe': 4, 'gemma2': 4, 'gemma3': 4, 'gemma3_text': 4, 'gpt_oss': 8}[mt]
    hd = g('head_dim') or {'qwen3': 128, 'gemma2': 256, 'gemma3': 256, 'gemma3_text': 256, 'gpt_oss': 64}.get(mt, Hd // H)
    eps = g('rms_norm_eps', {'olmo2': 1e-05, 'phi3': 1e-05, 'gpt_oss': 1e-05}.get(mt, 1e-06))
    L = c['num_hidden_layers']
    A = act(g('hidden_activation', 'gelu_pytorch_tanh') if gem else g('hidden_act', 'silu'))
    scale = (g('query_pre_attn_scalar', 256) if gem else hd) ** (-0.5)
    cap = g('attn_logit_softcapping', 50.0) if mt == 'gemma2' else None
    fcap = g('final_logit_softcapping', 30.0) if mt == 'gemma2' else g('final_logit_softcapping') if gem3 else None
    W = [None] * L
    if mt == 'mistral':
        W = [g('sliding_window', 4096)] * L
    if mt == 'phi3':
        W = [g('sliding_window')] * L
    if mt == 'qwen3_moe' and g('use_sliding_window'):
        W = [g('sliding_window', 4096)] * L
    slides = [False] * L
    if mt in ('qwen2', 'qwen3'):
        if g('use_sliding_window'):
            lt = g('layer_types') or ['sliding_attention' if i >= g('max_window_layers', 28) else 'full_attention' for i in range(L)]
            W = [g('sliding_window', 4096) if t == 'sliding_attention' else None for t in lt]
    if mt == 'gpt_oss' or gem:
        per = g('sliding_window_pattern') or g('_sliding_window_pattern') or (6 if gem3 else 2)
        lt = g('layer_types') or ['sliding_attention' if (i + 1) % per else 'full_attention' for i in range(L)]
        slides = [t == 'sliding_attention' for t in lt]
        W = [g('sliding_window', 128 if mt == 'gpt_oss' else 4096) if s else None for s in slides]
    rp = g('rope_parameters') or g('rope_scaling')
    theta = g('rope_theta', {'gpt_oss': 150000.0, 'gemma3': 1000000.0, 'gemma3_text': 1000000.0}.get(mt, 10000.0))
    part = g('partial_rotary_factor', 1.0) if mt == 'phi3' else 1.0
    if rp and 'partial_rotary_factor' in rp and (mt == 'phi3'):
        part = rp['partial_rotary_factor']
    rd = int(hd * part)
    maxpos = g('max_position_embeddings', {'llama': 2048, 'gemma3': 131072, 'gemma3_text': 131072}.get(mt))
    if gem3:
        if rp and 'full_attention' in rp:
            F = inv_freq(rp['full_attention'], theta, rd, maxpos, None, n)
            Lo = inv_freq(rp['sliding_attention'], 10000.0, rd, maxpos, None, n)
        else:
            F = inv_freq(rp, theta, rd, maxpos, None, n)
            Lo = inv_freq(None, g('rope_local_base_freq', 10000.0), rd, maxpos, None, n)
    else:
        F = Lo = inv_freq(rp, theta, rd, maxpos, g('original_max_position_embeddings'), n)
    x = T[pre + 'embed_tokens.weight'][ids]
    if gem:
        x = x * math.sqrt(Hd)
    no = lambda x, nm: rms(x, T[nm + '.weight'], eps, gem)
    for l in range(L):
        p = f'{pre}layers.{l}.'
        h = x if mt == 'olmo2' else no(x, p + 'input_layernorm')
        if mt == 'phi3':
            qkv = lin(T, p + 'self_attn.qkv_proj', h)
            q, k, v = (qkv[:, :H * hd], qkv[:, H * hd:(H + KV) * hd], qkv[:, (H + KV) * hd:])
        else:
            q, k, v = (lin(T, p + f'self_attn.{z}_proj', h) for z in 'qkv')
        if mt == 'olmo2':
            q = no(q, p + 'self_attn.q_norm')
            k = no(k, p + 'self_attn.k_norm')
        q, k, v = (heads(q, H), heads(k, KV), heads(v, KV))
        if mt in ('qwen3', 'qwen3_moe') or gem3:
            q = no(q, p + 'self_attn.q_norm')
            k = no(k, p + 'self_attn.k_norm')
        f, s = Lo if gem3 and slides[l] else F
        q, k = (rope(q, f, s, rd), rope(k, f, s, rd))
        a = unheads(attend(q, k, v, scale, W[l], cap, T.get(p + 'self_attn.sinks')))
        a = lin(T, p + 'self_attn.o_proj', a)
        if gem or mt == 'olmo2':
            a = no(a, p + 'post_attention_layernorm')
        x = x + a
        h = x if mt == 'olmo2' else no(x, p + ('pre_feedforward_layernorm' if gem else 'post_attention_layernorm'))
        m = p + 'mlp.'
        if mt == 'gpt_oss':
            y = oss_moe(c, T, m, h)
        elif mt == 'qwen3_moe' and l not in (g('mlp_only_layers') or []) and ((l + 1) % g('decoder_sparse_step', 1) == 0):
            y = qwen_moe(c, T, m, h, A)
        elif mt == 'phi3':
            gu = lin(T, m + 'gate_up_proj', h)
            I = gu.shape[1] // 2
            y = lin(T, m + 'down_proj', A(gu[:, :I]) * gu[:, I:])
        else:
            y = lin(T, m + 'down_proj', A(lin(T, m + 'gate_proj', h)) * lin(T, m + 'up_proj', h))
        if gem or mt == 'olmo2':
            y = no(y, p + 'post_feedforward_layernorm')
        x = x + y
        R.append(x)
    x = no(x, pre + 'norm')
    tied = g('tie_word_embeddings', cfg.get('tie_word_embeddings', gem))
    lg = x @ T[pre + 'embed_tokens.weight' if tied else 'lm_head.weight'].t()
    if fcap:
        lg = fcap * torch.tanh(lg / fcap)
    return (lg, R)


def qwen_moe(c, T, m, h, A):
    E = c.get('num_experts', 128)
    K = c['num_experts_per_tok']
    p = torch.softmax(lin(T, m + 'gate', h), -1)
    w, ix = p.topk(K, -1)
    if c.get('norm_topk_prob'):
        w = w / w.sum(-1, keepdim=True)
    y = torch.zeros_like(h)
    for t in range(h.shape[0]):
        for j in range(K):
            e = f'{m}experts.{int(ix[t, j])}.'
            y[t] += w[t, j] * lin(T, e + 'down_proj', A(lin(T, e + 'gate_proj', h[t:t + 1])) * lin(T, e + 'up_proj', h[t:t + 1]))[0]
    return y


def oss_moe(c, T, m, h):
    K = c.get('num_experts_per_tok', c.get('experts_per_token', 4))
    r = lin(T, m + 'router', h)
    w, ix = r.topk(K, -1)
    w = torch.softmax(w, -1)
    lim = c.get('swiglu_limit', 7.0)
    if m + 'experts.gate_up_proj' in T:
        gu = T[m + 'experts.gate_up_proj']
        dn = T[m + 'experts.down_proj']
    else:
        gu = mxfp4(T[m + 'experts.gate_up_proj_blocks'], T[m + 'experts.gate_up_proj_scales']).transpose(1, 2)
        dn = mxfp4(T[m + 'experts.down_proj_blocks'], T[m + 'experts.down_proj_scales']).transpose(1, 2)
    gb, db = (T[m + 'experts.gate_up_proj_bias'], T[m + 'experts.down_proj_bias'])
    y = torch.zeros_like(h)
    for t in range(h.shape[0]):
        for j in range(K):
            e = int(ix[t, j])
            z = h[t] @ gu[e] + gb[e]
            gt, up = (z[0::2], z[1::2])
            gt = gt.clamp(max=lim)
            up = up.clamp(-lim, lim)
            y[t] += w[t, j] * ((up + 1) * gt * torch.sigmoid(1.702 * gt) @ dn[e] + db[e])
    return y


def neox(c, T, ids, pre):
    n = len(ids)
    H = c['num_attention_heads']
    d = c['hidden_size']
    hd = d // H
    eps = c.get('layer_norm_eps', 1e-05)
    A = act(c.get('hidden_act', 'gelu'))
    rp = c.get('rope_parameters') or c.get('rope_scaling')
    part = (rp or {}).get('partial_rotary_factor', c.get('rotary_pct', 0.25))
    rd = int(hd * part)
    F, s = inv_freq(rp, c.get('rotary_emb_base', c.get('rope_theta', 10000.0)), rd, c.get('max_position_embeddings', 2048), None, n)
    x = T[pre + 'embed_in.weight'][ids]
    R = []
    for l in range(c['num_hidden_layers']):
        p = f'{pre}layers.{l}.'
        h = ln(x, T[p + 'input_layernorm.weight'], T[p + 'input_layernorm.bias'], eps)
        z = lin(T, p + 'attention.query_key_value', h).view(n, H, 3, hd)
        q, k, v = (z[:, :, i].transpose(0, 1) for i in range(3))
        a = lin(T, p + 'attention.dense', unheads(attend(rope(q, F, s, rd), rope(k, F, s, rd), v, hd ** (-0.5))))
        y = x + a
        src = x if c.get('use_parallel_residual', True) else y
        h = ln(src, T[p + 'post_attention_layernorm.weight'], T[p + 'post_attention_layernorm.bias'], eps)
        x = y + lin(T, p + 'mlp.dense_4h_to_h', A(lin(T, p + 'mlp.dense_h_to_4h', h)))
        R.append(x)
    x = ln(x, T[pre + 'final_layer_norm.weight'], T[pre + 'final_layer_norm.bias'], eps)
    return (x @ T[pre + 'embed_in.weight' if c.get('tie_word_embeddings') else 'embed_out.weight'].t(), R)


def W(o, i, s=1.3):
    return torch.randn(o, i, dtype=D) * s / math.sqrt(i)


def gain(n, one=False):
    return torch.randn(n, dtype=D) * 0.2 + (0 if one else 1)


def bias(n):
    return torch.randn(n, dtype=D) * 0.2


def common(c, mt, opt):
    g = c.get
    T = {}
    gem = mt.startswith('gemma')
    one = gem
    d = c['hidden_size']
    H = c['num_attention_heads']
    KV = g('num_key_value_heads') or H
    hd = g('head_dim') or {'qwen3': 128, 'gemma2': 256, 'gemma3': 256, 'gemma3_text': 256}.get(mt, d // H)
    I = g('intermediate_size')
    V = c['vocab_size']
    pre = opt.get('prefix', 'model.')
    T[pre + 'embed_tokens.weight'] = torch.randn(V, d, dtype=D)
    T[pre + 'norm.weight'] = gain(d, one)
    tied = opt['tied']
    if not tied or opt.get('store_head'):
        T['lm_head.weight'] = W(V, d, 2)
    for l in range(c['num_hidden_layers']):
        p = f'{pre}layers.{l}.'
        if mt != 'olmo2':
            T[p + 'input_layernorm.weight'] = gain(d, one)
        T[p + 'post_attention_layernorm.weight'] = gain(d, one)
        if gem:
            T[p + 'pre_feedforward_layernorm.weight'] = gain(d, one)
        if gem or mt == 'olmo2':
            T[p + 'post_feedforward_layernorm.weight'] = gain(d, one)
        if mt == 'phi3':
            T[p + 'self_attn.qkv_proj.weight'] = W((H + 2 * KV) * hd, d)
        else:
            for z, n in (('q', H), ('k', KV), ('v', KV)):
                T[p + f'self_attn.{z}_proj.weight'] = W(n * hd, d)
                if mt == 'qwen2' or g('attention_bias', mt == 'gpt_oss'):
                    T[p + f'self_attn.{z}_proj.bias'] = bias(n * hd)
        T[p + 'self_attn.o_proj.weight'] = W(d, H * hd)
        if g('attention_bias', mt == 'gpt_oss') and mt != 'qwen2':
            T[p + 'self_attn.o_proj.bias'] = bias(d)
        if mt in ('qwen3', 'qwen3_moe') or mt.startswith('gemma3'):
            T[p + 'self_attn.q_norm.weight'] = gain(hd, one)
            T[p + 'self_attn.k_norm.weight'] = gain(hd, one)
        if mt == 'olmo2':
            T[p + 'self_attn.q_norm.weight'] = gain(H * hd)
            T[p + 'self_attn.k_norm.weight'] = gain(KV * hd)
        m = p + 'mlp.'
        if mt == 'gpt_oss':
            T[p + 'self_attn.sinks'] = torch.randn(H, dtype=D)
            E = c['num_local_experts']
            T[m + 'router.weight'] = W(E, d, 2)
            T[m + 'router.bias'] = bias(E)
            T[m + 'experts.gate_up_proj_bias'] = torch.randn(E, 2 * I, dtype=D)
            T[m + 'experts.down_proj_bias'] = bias(E * d).view(E, d)
            if opt.get('mx'):
                for nm, o, i in (('gate_up_proj', 2 * I, d), ('down_proj', d, I)):
                    T[m + f'experts.{nm}_blocks'] = torch.randint(0, 256, (E, o, i // 32, 16), dtype=torch.uint8)
                    T[m + f'experts.{nm}_scales'] = torch.randint(120, 127, (E, o, i // 32), dtype=torch.uint8)
            else:
                T[m + 'experts.gate_up_proj'] = torch.randn(E, d, 2 * I, dtype=D) * 3 / math.sqrt(d)
                T[m + 'experts.down_proj'] = torch.randn(E, I, d, dtype=D) / math.sqrt(I)
        elif mt == 'qwen3_moe' and l not in (g('mlp_only_layers') or []) and ((l + 1) % g('decoder_sparse_step', 1) == 0):
            E = c['num_experts']
            X = c['moe_intermediate_size']
            T[m + 'gate.weight'] = W(E, d, 2)
            for e in range(E):
                for nm, o, i in (('gate_proj', X, d), ('up_proj', X, d), ('down_proj', d, X)):
                    T[m + f'experts.{e}.{nm}.weight'] = W(o, i)
        elif mt == 'phi3':
            T[m + 'gate_up_proj.weight'] = W(2 * I, d)
            T[m + 'down_proj.weight'] = W(d, I)
        else:
            for nm, o, i in (('gate_proj', I, d), ('up_proj', I, d), ('down_proj', d, I)):
                T[m + nm + '.weight'] = W(o, i)
                if g('mlp_bias') and mt == 'llama':
                    T[m + nm + '.bias'] = bias(o)
    return (T, pre)


def neoxw(c, opt):
    pre = opt.get('prefix', 'gpt_neox.')
    d = c['hidden_size']
    I = c['intermediate_size']
    T = {}
    b = c.get('attention_bias', True)
    T[pre + 'embed_in.weight'] = torch.randn(c['vocab_size'], d, dtype=D)
    T[pre + 'final_layer_norm.weight'] = gain(d)
    T[pre + 'final_layer_norm.bias'] = bias(d)
    if not opt['tied'] or opt.get('store_head'):
        T['embed_out.weight'] = W(c['vocab_size'], d, 2)
    for l in range(c['num_hidden_layers']):
        p = f'{pre}layers.{l}.'
        for nm in ('input_layernorm', 'post_attention_layernorm'):
            T[p + nm + '.weight'] = gain(d)
            T[p + nm + '.bias'] = bias(d)
        for nm, i, o in (('attention.query_key_value', d, 3 * d), ('attention.dense', d, d), ('mlp.dense_h_to_4h', d, I), ('mlp.dense_4h_to_h', I, d)):
            T[p + nm + '.weight'] = W(o, i)
            if b or 'mlp' in nm:
                T[p + nm + '.bias'] = bias(o)
        if opt.get('buffers'):
            T[p + 'attention.bias'] = torch.ones(1, 1, 8, 8, dtype=torch.bool).tril()
            T[p + 'attention.masked_bias'] = torch.tensor(-1000000000.0)
            T[p + 'attention.rotary_emb.inv_freq'] = torch.rand(4)
    return (T, pre)


DT = {'f32': torch.float32, 'f16': torch.float16, 'bf16': torch.bfloat16}


def build(name, cfg, dt='f32', lens=(1, 7, 90), shards=1, **opt):
    rnd = random.Random(name)
    torch.manual_seed(rnd.randrange(1 << 30))
    mt = cfg['model_type']
    c = cfg['text_config'] if mt == 'gemma3' else cfg
    tied = c.get('tie_word_embeddings', cfg.get('tie_word_embeddings', mt.startswith('gemma')))
    opt['tied'] = tied
    T, pre = neoxw(c, opt) if mt == 'gpt_neox' else common(c, mt, opt)
    if opt.get('extra'):
        T.update(opt['extra'](T, pre))
    for k in T:
        if T[k].dtype == D:
            T[k] = T[k].to(DT[dt if dt != 'mixed' else rnd.choice(list(DT))])
    d = OUT + name
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d)
    json.dump(cfg, open(d + '/config.json', 'w'))
    if shards == 1:
        save(d + '/model.safetensors', T, shuffle=rnd)
    else:
        ks = sorted(T)
        wm = {}
        for s in range(shards):
            f = f'model-{s + 1:05}-of-{shards:05}.safetensors'
            save(d + '/' + f, {k: T[k] for k in ks[s::shards]})
            wm.update({k: f for k in ks[s::shards]})
        json.dump({'metadata': {'total_size': sum((len(raw(t)) for t in T.values()))}, 'weight_map': wm}, open(d + '/model.safetensors.index.json', 'w'))
    ref = {}
    V = c['vocab_size']
    for i, n in enumerate(lens):
        ids = [rnd.randrange(V) for _ in range(n)]
        lg, R = forward(cfg, T, ids, pre)
        ref[f'c{i}.ids'] = torch.tensor(ids, dtype=torch.int32)
        ref[f'c{i}.logits'] = lg.float()
        for l, r in enumerate(R):
            ref[f'c{i}.resid.{l}'] = r.float()
    save(d + '/reference.safetensors', ref)


def base(mt, **k):
    c = dict(model_type=mt, vocab_size=97, hidden_size=80, intermediate_size=112, num_hidden_layers=3, num_attention_heads=5, num_key_value_heads=1, max_position_embeddings=256)
    c.update(k)
    return {a: b for a, b in c.items() if b != 'DEL'}


L3 = dict(rope_type='llama3', factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)

vis = lambda T, p: {'vision_tower.vision_model.embeddings.patch_embedding.weight': torch.rand(4, 3, 2, 2), 'multi_modal_projector.mm_soft_emb_norm.weight': torch.rand(5)}


def sm(mt, **k):
    return base(mt, **dict(dict(vocab_size=61, hidden_size=40, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2), **k))


X = {}


def x(n, c, **k):
    X[n] = (c, k)


x('olmo2', sm('olmo2', num_attention_heads=5, num_key_value_heads=1, rms_norm_eps=1e-06, rope_theta=500000))

x('llama_biased', sm('llama', head_dim=14, num_attention_heads=3, num_key_value_heads=1, attention_bias=True, mlp_bias=True, rope_parameters=dict(rope_theta=9000.0, **L3), dtype='float16'), dt='f16')

x('phi3_longrope', sm('phi3', num_attention_heads=2, num_key_value_heads=1, partial_rotary_factor=0.6, max_position_embeddings=256, original_max_position_embeddings=32, rope_scaling=dict(type='longrope', short_factor=[1 + 0.2 * i for i in range(6)], long_factor=[1 + 2.0 * i for i in range(6)]), tie_word_embeddings=True), dt='bf16')

t = sm('gemma3_text', num_hidden_layers=3, head_dim=12, sliding_window=7, query_pre_attn_scalar=9, sliding_window_pattern=3)

x('gemma3_vision', dict(model_type='gemma3', architectures=['Gemma3ForConditionalGeneration'], text_config=dict(t, rope_scaling=dict(rope_type='linear', factor=8.0)), vision_config=dict(model_type='siglip_vision_model'), eos_token_id=[1, 60]), prefix='language_model.model.', extra=vis, dt='bf16')

x('gemma3_v5', dict(t, sliding_window_pattern='DEL', layer_types=['sliding_attention', 'full_attention', 'full_attention'], rope_parameters=dict(full_attention=dict(rope_type='linear', factor=4.0, rope_theta=2000000.0), sliding_attention=dict(rope_type='default', rope_theta=15000.0)), attention_bias=True, dtype='bfloat16'), dt='bf16')

X['gemma3_v5'][0].pop('sliding_window_pattern')

x('qwen2_window', sm('qwen2', use_sliding_window=True, sliding_window=6, max_window_layers=1), dt='bf16')

x('qwen3_moe_dense', sm('qwen3_moe', num_hidden_layers=3, head_dim=12, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=18, norm_topk_prob=False, mlp_only_layers=[1], use_sliding_window=True, sliding_window=9), dt='bf16')

x('gpt_neox_v5', dict(model_type='gpt_neox', vocab_size=61, hidden_size=40, intermediate_size=56, num_hidden_layers=2, num_attention_heads=5, max_position_embeddings=64, attention_bias=False, hidden_act='gelu_new', tie_word_embeddings=True, rope_parameters=dict(rope_theta=500.0, rope_type='linear', factor=2.0, partial_rotary_factor=0.75)), dt='bf16')

x('gemma2_open', sm('gemma2', head_dim=10, attn_logit_softcapping=None, final_logit_softcapping=None, sliding_window=5, layer_types=['full_attention', 'sliding_attention'], tie_word_embeddings=False), dt='bf16')

for n, (c, k) in X.items():
    build(n, c, lens=(5, 40), **k)
