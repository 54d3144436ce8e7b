"""A FastAPI service that summarises text with a model. It knows OpenTelemetry by its launcher, and Runspan not at all."""

import os

import uvicorn
from fastapi import FastAPI
from openai import OpenAI
from pydantic import BaseModel

app = FastAPI()
model = OpenAI()


class Text(BaseModel):
    text: str


@app.post("/summaries")
def summarise(asked: Text) -> str | None:
    answer = model.chat.completions.create(
        model="gpt-5-mini",
        messages=[{"role": "user", "content": f"Summarise: {asked.text}"}],
    )
    return answer.choices[0].message.content


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
