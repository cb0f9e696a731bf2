"""An answer in every form that people read: text, Markdown, JSON, HTML, pictures."""
