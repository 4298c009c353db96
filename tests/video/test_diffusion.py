"""Films by a diffusion model: a tiny one of random weights, saved by diffusers and loaded as any other, on the CPU."""

from __future__ import annotations

import http.server
import json
import math
import shutil
import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.video import diffusion
from motet.video.diffusion.frames import MOVES, Prompts, prompts, read
from motet.video.diffusion.looks import contrasted, matched, of_lab, sharpened, to_lab
from motet.video.diffusion.moving import homography, moved
from motet.video.errors import VideoError
from motet.video.fields import FIELDS

WHY = "painting with a diffusion model is an extra"
STILL = {name: FIELDS[name].still for name in MOVES}
SIZE = (64, 64)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a Stable Diffusion model with a few thousand random weights."""
    torch = pytest.importorskip("torch", reason=WHY)
    diffusers = pytest.importorskip("diffusers", reason=WHY)
    transformers = pytest.importorskip("transformers", reason=WHY)
    folder = tmp_path_factory.mktemp("tiny")
    letters = [chr(n) for n in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    torch.manual_seed(0)
    torch.set_num_threads(1)  # what is tiny is only waited for by more
    text = transformers.CLIPTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=77, projection_dim=16, bos_token_id=len(words) - 2, eos_token_id=len(words) - 1,
    )  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=16,
        attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4,
    )  # fmt: skip
    parts = {
        "unet": unet,
        "vae": vae,
        "text_encoder": transformers.CLIPTextModel(text),
        "tokenizer": transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77),
        "scheduler": diffusers.DDIMScheduler(beta_schedule="scaled_linear", beta_end=0.012, steps_offset=1, clip_sample=False),
    }
    told: dict[str, Any] = {"_class_name": "StableDiffusionPipeline", "safety_checker": [None, None]}
    for name, part in parts.items():
        part.save_pretrained(folder / "model" / name)
        told[name] = [type(part).__module__.split(".")[0], type(part).__name__]
    (folder / "model" / "model_index.json").write_text(json.dumps(told))
    (folder / "model" / "README.md").write_text("---\nlicense: creativeml-openrail-m\ntags: [a]\n---\n# Tiny\n")
    return folder / "model"


def manifest(count: int = 6, **fields: Any) -> dict[str, Any]:
    """A rendered document of `count` frames; a field is one value, or a list of one for each frame."""
    frames = []
    for number in range(count):
        frame: dict[str, Any] = {"frame": number, "deforum_prompt": "a red sea --neg text", "seed": 5 + number}
        for name, value in fields.items():
            frame[name] = value[number] if isinstance(value, list) else value
        frames.append(frame)
    return {"options": {"output_fps": 24}, "rendered_frames": frames, "motet": {"size": list(SIZE), "seed": 3}}


def paint(told: dict[str, Any], model: Any, **options: Any) -> list[npt.NDArray[np.uint8]]:
    return list(diffusion.pictures(told, model, on="cpu", steps=4, **options))


def test_a_film_has_a_picture_for_each_frame(tiny: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    sound = np.sin(np.arange(48000 // 4, dtype=np.float32) * 0.05)[:, None] * np.float32(0.3)
    filmed = diffusion.film(
        manifest(), tiny, tmp_path / "a.mp4", on="cpu", steps=4, sound=(sound, 48000), on_picture=lambda *now: heard.append(now)
    )
    assert (filmed.frames, filmed.width, filmed.height, filmed.fps) == (6, 64, 64, Fraction(24))
    assert heard == [(number, 6) for number in range(1, 7)]
    assert (tmp_path / "a.mp4").stat().st_size == filmed.bytes


def test_equal_arguments_give_equal_pictures_and_another_seed_others(tiny: Path) -> None:
    told = manifest(3, seed=-1, zoom_delta=1.02, translation_x_delta=2.0)
    one, again, other = (paint(told, tiny, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def change(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(before.astype(float) - after).mean())


def test_a_frame_of_low_strength_is_seen_at_once(tiny: Path) -> None:
    strength = [0.95, 0.95, 0.95, 0.2, 0.95, 0.95]
    made = paint(manifest(strength=strength, noise=0.0, antiblur_amount=0.0), tiny, colours="None")
    changes = [change(a, b) for a, b in pairwise(made)]
    assert int(np.argmax(changes)) == 2, "from frame 2 to frame 3"
    assert changes[2] > 2 * max(changes[3:])


def test_where_everything_stays_the_picture_only_moves(tiny: Path) -> None:
    still = manifest(3, strength=1.0, noise=0.0, antiblur_amount=0.0)
    first, _, third = paint(still, tiny, colours="None")
    assert change(first, third) < 0.5
    rolled = manifest(2, strength=1.0, noise=0.0, antiblur_amount=0.0, rotation_3d_z_delta=[0.0, 90.0])
    before, after = paint(rolled, tiny, colours="None")
    assert np.array_equal(before, first)
    assert change(np.rot90(before), after) < 1.0
    assert change(before, after) > 1.0


@pytest.mark.parametrize("sampler", diffusion.SAMPLERS)
def test_every_sampler_paints(sampler: str, tiny: Path) -> None:
    made = paint(manifest(2, strength=[0.5, 0.3]), tiny, sampler=sampler)
    assert [picture.shape for picture in made] == [(64, 64, 3)] * 2
    assert made[1].std() > 1


def test_prompts_weights_and_cfg_count(tiny: Path) -> None:
    fires = [f"a sea: 1 AND fire: {weight} --neg x" for weight in ("0.5", "0.9", "0")]
    texts = ["a sea --neg x", fires[0], fires[1], "a sea --neg rain", fires[2]]
    made = [paint(manifest(1, deforum_prompt=text), tiny)[0] for text in texts]
    assert np.array_equal(made[0], made[4]), "a prompt of no weight is none"
    assert len({picture.tobytes() for picture in made}) == 4
    assert not np.array_equal(made[0], paint(manifest(1, deforum_prompt=texts[0], scale=15), tiny)[0])


def test_a_subseed_leads_from_one_noise_to_another(tiny: Path) -> None:
    shares = [0.0, 0.01, 0.5, 1.0]
    made = [paint(manifest(1, seed=1, subseed=2, subseed_strength=share), tiny)[0] for share in shares]
    end = paint(manifest(1, seed=2), tiny)[0]
    assert np.array_equal(made[0], paint(manifest(1, seed=1), tiny)[0])
    assert change(made[0], made[1]) < change(made[0], made[2])
    assert change(made[3], end) < 1.0


def test_the_size_can_be_another(tiny: Path) -> None:
    (picture,) = paint(manifest(1), tiny, size=(96, 64))
    assert picture.shape == (64, 96, 3)


def test_the_licence_is_read_from_the_card(tiny: Path, tmp_path: Path) -> None:
    assert diffusion.find(tiny) == diffusion.Model(str(tiny), tiny, "DDIMScheduler", "creativeml-openrail-m", None)
    for card, licence in [
        ("---\nlicense: other\nlicense_name: my-own\n---\n", "my-own"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\n[\n---\n", None),
        ("---\nlicense: [a]\n---\n", None),
        ("no card", None),
    ]:
        folder = copied(tiny, tmp_path)
        (folder / "README.md").write_text(card)
        assert diffusion.find(folder).licence == licence
    (folder / "README.md").unlink()
    assert diffusion.find(folder).licence is None


def copied(model: Path, to: Path) -> Path:
    shutil.rmtree(to / "copy", ignore_errors=True)
    return Path(shutil.copytree(model, to / "copy"))


def index(folder: Path, **changes: Any) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_folders_that_cannot_be_trusted_or_used_are_refused(tiny: Path, tmp_path: Path) -> None:
    def refused(folder: Path | str, sentence: str) -> None:
        with pytest.raises(UserError, match=sentence):
            paint(manifest(1), folder)

    refused(tmp_path, "holds no model_index.json")
    refused("nobody/nothing", "say --fetch")
    folder = copied(tiny, tmp_path)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")
    refused(folder, "no safetensors in unet")
    index(folder := copied(tiny, tmp_path), _class_name="StableDiffusionXLPipeline")
    refused(folder, "holds a StableDiffusionXLPipeline")
    index(folder := copied(tiny, tmp_path), unet=["my_code", "Unet"])
    refused(folder, "has no UNet2DConditionModel as its unet")
    index(folder := copied(tiny, tmp_path), scheduler=["os", "system"])
    refused(folder, "names no scheduler")
    weights = (folder := copied(tiny, tmp_path)) / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused(folder, "cannot be loaded")
    (folder / "model_index.json").write_text("[" * 100_000)
    refused(folder, "holds no model_index.json")


@pytest.mark.parametrize(
    "options, sentence",
    [({"colours": "HSV"}, "LAB, RGB, None"), ({"sampler": "plms"}, "no sampler"), ({"steps": 0}, "1 to 1000 steps")],
)
def test_settings_that_mean_nothing_are_refused(options: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        diffusion.pictures(manifest(1), tmp_path, **options)


def test_without_a_gpu_it_is_refused_unless_told_otherwise(tiny: Path) -> None:
    torch = pytest.importorskip("torch", reason=WHY)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no CUDA GPU here: say --on cpu"):
            diffusion.pictures(manifest(1), tiny)
    for device in ("tpu", "mps", "cuda:99"):
        with pytest.raises(UserError, match=device):
            diffusion.pictures(manifest(1), tiny, on=device)


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers as the Hugging Face Hub does for one model, with the files of a folder."""

    folder: Path
    commit = "c" * 40
    asked: list[str]

    def do_GET(self, head: bool = False) -> None:
        path = self.path.split("?")[0]
        type(self).asked.append(path)
        names = [file.relative_to(self.folder).as_posix() for file in sorted(self.folder.rglob("*")) if file.is_file()]
        name = path.removeprefix(f"/ada/tiny/resolve/{self.commit}/")
        if path.startswith("/api/models/ada/tiny/revision/"):
            body = json.dumps(
                {"id": "ada/tiny", "sha": self.commit, "siblings": [{"rfilename": name} for name in names]}
            ).encode()
        elif path.startswith("/api/models/ada/tiny/tree/"):
            files = [(name, (self.folder / name).stat().st_size) for name in names]
            body = json.dumps([{"type": "file", "oid": "0", "size": size, "path": name} for name, size in files]).encode()
        elif name in names:
            body = (self.folder / name).read_bytes()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{abs(hash(name)):040x}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET(head=True)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    constants = pytest.importorskip("huggingface_hub.constants", reason=WHY)
    (folder := copied(tiny, tmp_path)).joinpath("unet", "diffusion_pytorch_model.bin").write_bytes(b"not safe")
    handler = type("OneHub", (Hub,), {"folder": folder, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_model_is_fetched_by_its_name_only_when_that_is_wanted(hub: type[Hub]) -> None:
    with pytest.raises(UserError, match="say --fetch"):
        diffusion.find("ada/tiny")
    assert not hub.asked
    found = diffusion.find("ada/tiny", fetch=True)
    assert (found.name, found.licence, found.commit) == ("ada/tiny", "creativeml-openrail-m", "c" * 40)
    assert not any(path.endswith(".bin") for path in hub.asked), "only safetensors are taken"
    assert len(paint(manifest(1), found)) == 1
    with pytest.raises(UserError, match="The model ada/none cannot be fetched"):
        diffusion.find("ada/none", fetch=True)


@pytest.mark.parametrize(
    "text, positive, negative",
    [
        ("a sea --neg text, blur", (("a sea", 1.0),), (("text, blur", 1.0),)),
        ("a sea: 0.7 AND fire :.3", (("a sea", 0.7), ("fire", 0.3)), ()),
        ("a: -1 AND b:1e-1 --neg c: 2 AND d", (("a", -1.0), ("b", 0.1)), (("c", 2.0), ("d", 1.0))),
        ("a SAND storm, 16:9: 2", (("a SAND storm, 16:9", 2.0),), ()),
        ("a: 0 AND : 1 AND  --neg ", (), ()),
        ("", (), ()),
        ("(big:1.2) wave", (("(big:1.2) wave", 1.0),), ()),
    ],
)
def test_how_prompts_are_read(text: str, positive: Any, negative: Any) -> None:
    assert prompts(text) == Prompts(positive, negative)


@given(st.text(max_size=200))
def test_any_text_is_a_prompt(text: str) -> None:
    told = prompts(text.replace("AND", "and"))
    assert all(words and math.isfinite(weight) for words, weight in (*told.positive, *told.negative))


def test_too_many_prompts_for_one_picture() -> None:
    with pytest.raises(VideoError, match="more than 16 prompts"):
        prompts(" AND ".join("abcdefghijklmnopq"))


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"rendered_frames": []},
        {"rendered_frames": [1]},
        {"rendered_frames": [{"strength": "x"}]},
        {"rendered_frames": [{"strength": math.nan}]},
        {"rendered_frames": [{"zoom_delta": math.inf}]},
        {"rendered_frames": [{"noise": 10**400}]},
        {"rendered_frames": [{"deforum_prompt": 1}]},
        {"rendered_frames": [{"deforum_prompt": " AND ".join("abcdefghijklmnopqr")}]},
        {"rendered_frames": [{}], "options": {"output_fps": 0}},
        {"rendered_frames": [{}], "options": {"output_fps": "1/0"}},
        {"rendered_frames": [{}], "motet": {"size": [64]}},
        {"rendered_frames": [{}], "motet": {"seed": "x"}},
    ],
)
def test_manifests_that_cannot_be_painted(broken: dict[str, Any]) -> None:
    with pytest.raises(VideoError) as error:
        read(broken)
    assert error.value.reason == "bad_manifest"


def test_a_frame_moves_by_its_delta_or_by_the_difference() -> None:
    told = manifest(3, zoom=[1.0, 1.1, 1.1], translation_z=[0.0, 5.0, 15.0])
    moves = [(frame.moves["zoom"], frame.moves["translation_z"]) for frame in read(told).frames]
    assert moves == [(1.0, 0.0), (pytest.approx(1.1), 5.0), (1.0, 10.0)]
    told["rendered_frames"][1]["translation_z_delta"] = 2.0
    assert read(told).frames[1].moves["translation_z"] == 2.0


def test_sizes_that_a_model_cannot_paint(tmp_path: Path) -> None:
    for size in ((100, 64), (62, 64)):
        with pytest.raises(VideoError) as error:
            diffusion.pictures(manifest(1), tmp_path, size=size)
        assert error.value.reason == "wrong_size"


def goes(x: float, y: float, **moves: float) -> tuple[float, float]:
    """Where the point x to the right and y down from the middle of a picture of 200 x 100 goes."""
    u, v, w = homography(STILL | moves, 40.0, (200, 100)) @ [x, y, 1.0]
    return u / w, v / w


def test_what_the_moves_do_to_a_point() -> None:
    assert goes(30, 10) == pytest.approx((30, 10))
    assert goes(30, 10, zoom=2.0) == pytest.approx((60, 20))
    assert goes(30, 0, angle=90.0) == pytest.approx((0, -30)), "anticlockwise"
    assert goes(30, 0, rotation_3d_z=90.0) == pytest.approx((0, -30))
    assert goes(30, 10, translation_z=100.0) == pytest.approx((60, 20)), "half the way to the picture"
    assert goes(0, 0, translation_x=10.0)[0] > 0
    assert goes(0, 0, translation_y=10.0)[1] < 0, "up"
    assert goes(0, 0, rotation_3d_y=5.0)[0] > 0
    assert goes(0, 0, rotation_3d_x=5.0)[1] < 0
    # 20 degrees, half of what is seen, brings the middle to the edge.
    assert goes(0, 0, rotation_3d_x=20.0) == pytest.approx((0, -50))


def test_a_picture_moves_by_whole_pixels_and_back() -> None:
    torch = pytest.importorskip("torch", reason=WHY)
    picture = torch.from_numpy(np.random.default_rng(1).random((1, 3, 32, 48), np.float32))
    pixel = 200 * 2 * math.tan(math.radians(20)) / 32
    right = moved(picture, homography(STILL | {"translation_x": 5 * pixel}, 40.0, (48, 32)))
    assert torch.allclose(right[..., 5:], picture[..., :-5], atol=1e-4)
    down = moved(picture, homography(STILL | {"translation_y": -3 * pixel}, 40.0, (48, 32)))
    assert torch.allclose(down[:, :, 3:], picture[:, :, :-3], atol=1e-4)
    assert torch.allclose(moved(picture, homography(STILL, 40.0, (48, 32))), picture, atol=1e-5)


@given(st.dictionaries(st.sampled_from(MOVES), st.floats(-1e9, 1e9), max_size=6), st.floats(-1e3, 1e3))
def test_no_move_breaks_a_picture(moves: dict[str, float], fov: float) -> None:
    torch = pytest.importorskip("torch", reason=WHY)
    seen = moved(torch.rand(1, 3, 16, 16), homography(STILL | moves, fov, (16, 16)))
    assert seen.shape == (1, 3, 16, 16)
    assert torch.isfinite(seen).all()


def test_lab_is_the_standards() -> None:
    known = {(1, 1, 1): (100, 0, 0), (1, 0, 0): (53.24, 80.09, 67.20), (0, 0, 1): (32.30, 79.19, -107.86), (0, 0, 0): (0, 0, 0)}
    for rgb, lab in known.items():
        assert to_lab(np.array(rgb, np.float32)) == pytest.approx(lab, abs=0.02)
    every = np.random.default_rng(2).random((64, 64, 3), np.float32)
    assert of_lab(to_lab(every)) == pytest.approx(every, abs=1e-4)


@pytest.mark.parametrize("space", ["LAB", "RGB"])
def test_colours_are_held(space: str) -> None:
    random = np.random.default_rng(3)
    model = random.random((40, 40, 3), np.float32) * np.array([0.9, 0.3, 0.1], np.float32)
    picture = random.random((40, 40, 3), np.float32) * np.array([0.2, 0.2, 0.9], np.float32)
    held = matched(picture, model, space)
    wrong, right = (float(np.abs(one.mean((0, 1)) - model.mean((0, 1))).sum()) for one in (picture, held))
    assert right < wrong / 4
    assert matched(model, model, space) == pytest.approx(model, abs=1e-3)
    assert np.array_equal(matched(picture, model, "None"), picture)


def test_contrast_and_sharpness() -> None:
    edge = np.zeros((9, 9, 3), np.float32)
    edge[:, 5:] = 0.5
    assert contrasted(edge, 1.5).max() == pytest.approx(0.75)
    sharp = sharpened(edge, 5, 1.0, 0.5, 0.0)
    assert sharp[:, 5].min() > 0.5
    assert np.array_equal(sharpened(edge, 5, 1.0, 0.0, 0.0), edge)
    assert np.array_equal(sharpened(edge, 5, 1.0, 0.5, 255.0), edge)
    assert sharp.min() >= 0
