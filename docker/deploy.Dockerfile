# An exported STMask, without torch: in a checkout of mmvis, its files in models/.
FROM python:3.11-slim
COPY . /src
RUN pip install --no-cache-dir "/src[deploy]" && rm -r /src
COPY models /models
ENTRYPOINT ["mmvis", "--config", "/models/stmask_r50.onnx", "--out", "/out"]
