"""Kafka as this program uses it: Faust's transport handing on whole chunks, topics by declaration, acknowledged
sends."""
